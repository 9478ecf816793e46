package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

// storePassword is the material of a Keystore that is no alias.
const storePassword = "password"

// keystoreTarget is a Keystore.
type keystoreTarget struct{ cr *v1alpha1.Keystore }

func (k *keystoreTarget) object() client.Object          { return k.cr }
func (k *keystoreTarget) word() string                   { return "keystore" }
func (k *keystoreTarget) kind() string                   { return "Keystore" }
func (k *keystoreTarget) conditions() []metav1.Condition { return k.cr.Status.Conditions }

func (k *keystoreTarget) handled() string {
	if k.cr.Status.Requests == nil {
		return ""
	}
	return k.cr.Status.Requests.Rotate
}

func (k *keystoreTarget) choose(options rotateOptions) (map[string]rotation.Verb, error) {
	if owner := metav1.GetControllerOf(k.cr); owner != nil && owner.Kind == "IdentityTenant" {
		return nil, fmt.Errorf("keystore %s belongs to IdentityTenant %s, which rotates it with its pods: holdfast rotate tenant %s --material %s",
			k.cr.Name, owner.Name, owner.Name, strings.TrimPrefix(k.cr.Name, owner.Name+"-"))
	}
	if pinned := k.cr.Annotations[v1alpha1.AnnotationRollback]; pinned != "" {
		return nil, fmt.Errorf("keystore %s is rolled back to version %s, and nothing rotates meanwhile: kubectl annotate keystore %s -n %s %s-",
			k.cr.Name, pinned, k.cr.Name, k.cr.Namespace, v1alpha1.AnnotationRollback)
	}
	chosen, err := chosenOf(options.materials)
	if err != nil {
		return nil, err
	}
	for name, verb := range chosen {
		if !slices.Contains(k.materials(), name) {
			return nil, fmt.Errorf("--material %s: keystore %s cannot rotate that: write one of %s", name, k.cr.Name, strings.Join(k.materials(), ", "))
		}
		if verb == rotation.Drop && !k.ring(name) {
			return nil, fmt.Errorf("--material %s:%s is for a ring, and %s has no former key to forget: write %s", name, verb, name, name)
		}
	}
	if options.all {
		all := map[string]rotation.Verb{}
		for _, name := range k.materials() {
			all[name] = rotation.Leaked
		}
		for name, verb := range chosen { // such as the second half for a ring, ALIAS:drop
			all[name] = verb
		}
		return all, nil
	}
	return chosen, nil
}

// materials are the aliases of key pairs, and the password where the format has one.
func (k *keystoreTarget) materials() (names []string) {
	for _, entry := range k.cr.Spec.Entries {
		if entry.Trusted == nil {
			names = append(names, entry.Alias)
		}
	}
	if k.cr.Spec.Format != v1alpha1.FormatPEM {
		names = append(names, storePassword)
	}
	return names
}

func (k *keystoreTarget) ring(alias string) bool {
	return slices.ContainsFunc(k.cr.Spec.Entries, func(e v1alpha1.KeystoreEntry) bool { return e.Alias == alias && e.Ring })
}

func (k *keystoreTarget) effects(_ context.Context, _ client.Reader, chosen map[string]rotation.Verb, _ bool) ([]string, error) {
	var lines, later []string
	for _, name := range k.materials() {
		verb, named := chosen[name]
		if !named && len(chosen) > 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("%d. %s: %s", len(lines)+1, name, k.what(name, verb)))
		if k.ring(name) && verb == rotation.Leaked {
			later = append(later, name+":"+string(rotation.Drop))
		}
	}
	lines = append(lines, fmt.Sprintf("Version %d comes, in a Secret of its own; the present one is Secret %s", k.cr.Status.CurrentGeneration+1, orNone(k.cr.Status.SecretName)))
	if k.cr.Spec.Target != nil {
		lines = append(lines, "Copied to: Secret "+k.cr.Spec.Target.SecretName+"; applications read it anew by themselves or are restarted")
	} else {
		lines = append(lines, "Has to follow: what mounts the Secret by its name")
	}
	if len(later) > 0 {
		lines = append(lines, fmt.Sprintf("After that: once every application has the new version, holdfast rotate keystore %s -n %s --material %s, which ends what signs now",
			k.cr.Name, k.cr.Namespace, strings.Join(later, " --material ")))
	}
	return lines, nil
}

func (k *keystoreTarget) what(name string, verb rotation.Verb) string {
	switch {
	case name == storePassword:
		return "the store gets another password"
	case !k.ring(name):
		return "another key takes the place of the present one, which is in the new version no more"
	case verb == rotation.Leaked:
		return "its next key is replaced; the present one goes on signing until the ring moves"
	case verb == rotation.Drop:
		return "its next key becomes the present one, and the former one is in the new version no more"
	}
	return "its next key becomes the present one, and the former one still verifies until the next rotation"
}

// waits: a Keystore rotates at once.
func (k *keystoreTarget) waits() []string { return nil }

// irreversible: versions stay, and one can be pinned again.
func (k *keystoreTarget) irreversible(map[string]rotation.Verb) string { return "" }

func orNone(name string) string {
	if name == "" {
		return "none yet"
	}
	return name
}
