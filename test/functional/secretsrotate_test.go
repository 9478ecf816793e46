package functional

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/idp/wso2is/standin"
	"github.com/holdfast-iam/holdfast/internal/localenv"
	"github.com/holdfast-iam/holdfast/internal/testenv"
	"github.com/holdfast-iam/holdfast/test/harness"
)

// generation reads one generation of a tenant's material as it lies in Vault; nil: none.
func generation(ctx context.Context, acme *v1alpha1.IdentityTenant, material string, number int) (map[string]string, error) {
	path := strings.Join([]string{localenv.TenantKVPrefix, acme.Namespace, "identitytenant", acme.Name, material, strconv.Itoa(number)}, "/")
	found, err := world.Vault.Root().KVv2(localenv.TenantKVMount).Get(ctx, path)
	if errors.Is(err, api.ErrSecretNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value := map[string]string{}
	for field, content := range found.Data {
		value[field], _ = content.(string)
	}
	return value, nil
}

func generationOf(t *testing.T, acme *v1alpha1.IdentityTenant, material string, number int) map[string]string {
	t.Helper()
	value, err := generation(t.Context(), acme, material, number)
	if err != nil || value == nil {
		t.Fatalf("%s/%d of %s in Vault: %v", material, number, acme.Name, err)
	}
	return value
}

// ask annotates a tenant, as a person.
func ask(t *testing.T, acme *v1alpha1.IdentityTenant, annotation, value string) {
	t.Helper()
	if err := world.Admin.Get(t.Context(), client.ObjectKeyFromObject(acme), acme); err != nil {
		t.Fatal(err)
	}
	if err := world.Annotate(t.Context(), acme, map[string]string{annotation: value}); err != nil {
		t.Fatal(err)
	}
}

// awaitPosition waits until the position in Vault has a material at a generation, with
// nothing left of the one before it.
func awaitPosition(t *testing.T, acme *v1alpha1.IdentityTenant, material, turn string) {
	t.Helper()
	testenv.Eventually(t, waitDeadline, func() error {
		position, err := generation(t.Context(), acme, "position", 1)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(position[material], turn) {
			return fmt.Errorf("%s stands at %s, want %s…", material, position[material], turn)
		}
		return nil
	})
}

// awaitComplete waits until a request is said to be complete.
func awaitComplete(t *testing.T, acme *v1alpha1.IdentityTenant, token string) {
	t.Helper()
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return seen.Status.Requests != nil && seen.Status.Requests.Rotate == token
	})
}

// login tells what a login of a generation's account comes to.
func (s runningServer) login(ctx context.Context, acme *v1alpha1.IdentityTenant, material string, number int) (bool, error) {
	value, err := generation(ctx, acme, material, number)
	if err != nil || value == nil {
		return false, err
	}
	return standin.FileState(s.file).Login(value["username"], value["password"])
}

func (s runningServer) expectLogin(t *testing.T, acme *v1alpha1.IdentityTenant, material string, number int, want bool) {
	t.Helper()
	if got, err := s.login(t.Context(), acme, material, number); err != nil || got != want {
		t.Errorf("generation %d of %s is let in: %t, %v; want %t", number, material, got, err, want)
	}
}

// always asks something again and again until the returned function is called, which tells
// how often.
func always(t *testing.T, holds func(ctx context.Context) error) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	var group sync.WaitGroup
	group.Go(func() {
		for ctx.Err() == nil {
			if err := holds(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("after %d times: %v", asked, err)
				return
			}
			asked++
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	stop = sync.OnceValue(func() int { cancel(); group.Wait(); return asked })
	t.Cleanup(func() { stop() })
	return stop
}

// podsCanSignIn wants the system account that each living pod holds to be let in.
func podsCanSignIn(acme *v1alpha1.IdentityTenant, live runningServer) func(context.Context) error {
	acme = acme.DeepCopy() // the test goes on reading into its own meanwhile
	return func(ctx context.Context) error {
		var pods corev1.PodList
		if err := world.Admin.List(ctx, &pods, serverPods(acme)...); err != nil {
			return err
		}
		for _, pod := range pods.Items {
			credentials := &corev1.Secret{}
			for _, name := range named(pod.Spec) {
				if strings.HasPrefix(name, acme.Name+"-credentials-") {
					if err := world.Admin.Get(ctx, client.ObjectKey{Namespace: acme.Namespace, Name: name}, credentials); client.IgnoreNotFound(err) != nil {
						return err
					}
				}
			}
			name := string(credentials.Data["SYSTEM_USERNAME"])
			in, err := standin.FileState(live.file).Login(name, string(credentials.Data["SYSTEM_PASSWORD"]))
			if err != nil {
				return err
			}
			now := &corev1.Pod{} // of the same name may be another by now
			err = world.Admin.Get(ctx, client.ObjectKeyFromObject(&pod), now)
			if stillThere := err == nil && now.UID == pod.UID && now.DeletionTimestamp == nil; !in && stillThere {
				return fmt.Errorf("pod %s holds %q of Secret %q, and the server refuses it", pod.Name, name, credentials.Name)
			} else if err != nil && !apierrors.IsNotFound(err) {
				return err
			}
		}
		return nil
	}
}

// The system account rotates between two, so that pods that were not replaced yet, and those
// that die and come back as they were, keep one that works; the former is closed after that.
func TestTheSystemAccountRotatesUnderRestarts(t *testing.T) {
	t.Parallel()
	ns, window := namespace(t), &harness.Window{}
	operated(t, windowed(window), ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	live, first := serverOf(acme), awaitUpToDate(t, acme).Status.ServingRevision
	if value, err := generation(t.Context(), acme, "position", 1); err != nil || value != nil {
		t.Errorf("something was written for a tenant that never rotated: %v, %v", value, err)
	}
	stop := always(t, podsCanSignIn(acme, live))

	window.Close()
	ask(t, acme, v1alpha1.AnnotationRotate, "first system")
	awaitHeld(t, acme, first)
	live.expectLogin(t, acme, "system", 1, true)
	live.expectLogin(t, acme, "system", 2, true)
	for uid := range podsOf(t, acme) {
		kill(t, ns, uid)
	}
	testenv.Eventually(t, waitDeadline, func() error {
		if pods := podsOf(t, acme); len(pods) != 2 || slices.ContainsFunc(slices.Collect(maps.Values(pods)), func(revision string) bool { return revision != first }) {
			return fmt.Errorf("pods come back as %v, want 2 of %s", pods, first)
		}
		return nil
	})
	if acme.Status.Requests != nil && acme.Status.Requests.Rotate != "" {
		t.Errorf("request %s is said to be complete while its rollout is held", acme.Status.Requests.Rotate)
	}
	ask(t, acme, v1alpha1.AnnotationRotate, "too-soon system")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionRotationOnTime, metav1.ConditionFalse, v1alpha1.ReasonRolloutInFlight)
	})
	ask(t, acme, v1alpha1.AnnotationRotate, "first system")
	window.Open()
	request(t, acme, "the-window-opens")
	awaitUpToDate(t, acme)
	awaitComplete(t, acme, "first")
	awaitPosition(t, acme, "system", `{"current":2,"request":"first"`)
	live.expectLogin(t, acme, "system", 1, false)
	live.expectLogin(t, acme, "system", 2, true)
	expectRevisions(t, acme, 2)

	ask(t, acme, v1alpha1.AnnotationRotate, "second system:leaked endpoint-application")
	awaitPosition(t, acme, "system", `{"current":3,"request":"second"`)
	awaitPosition(t, acme, "endpoint-application", `{"current":2,"request":"second"`)
	awaitUpToDate(t, acme)
	names := []string{}
	for number, in := range []bool{false, false, true} {
		live.expectLogin(t, acme, "system", number+1, in)
		names = append(names, generationOf(t, acme, "system", number+1)["username"])
	}
	if names[0] == names[1] || names[0] != names[2] {
		t.Errorf("the accounts do not take turns: %v", names)
	}
	expectRevisions(t, acme, 3)
	// A token that was handled once is never handled again.
	request(t, acme, "look-again")
	awaitPosition(t, acme, "system", `{"current":3,"request":"second"`)
	if value, err := generation(t.Context(), acme, "system", 4); err != nil || value != nil {
		t.Errorf("a fourth account was made: %v", err)
	}
	t.Logf("2 rotations in 1 rollout each, 2 pods killed in between; the account of each living pod was let in %d times of %d", stop(), stop())
}

// The administrator's password changes in the server, without a rollout, and at no moment
// is there none that works; one that the server refuses is followed by another.
func TestTheAdministratorRotatesWithoutARollout(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{}, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	live, revision, pods, read := serverOf(acme), awaitUpToDate(t, acme).Status.ServingRevision, podsOf(t, acme), secretsOfPods(t, acme)
	unread := acme.DeepCopy() // the test goes on reading into its own meanwhile
	stop := always(t, func(ctx context.Context) error {
		for number := range 12 {
			if in, err := live.login(ctx, unread, "administrator", number+1); in || err != nil {
				return err
			}
		}
		return errors.New("the administrator is not let in with any password in Vault")
	})

	ask(t, acme, v1alpha1.AnnotationRotate, "first administrator")
	awaitPosition(t, acme, "administrator", `{"current":2,"request":"first"`)
	awaitComplete(t, acme, "first")
	live.expectLogin(t, acme, "administrator", 1, false)
	live.expectLogin(t, acme, "administrator", 2, true)

	state := standin.FileState(live.file)
	if err := state.RefusePasswords(2); err != nil {
		t.Fatal(err)
	}
	ask(t, acme, v1alpha1.AnnotationRotate, "second administrator")
	awaitPosition(t, acme, "administrator", `{"current":5,"request":"second"`)
	live.expectLogin(t, acme, "administrator", 5, true)

	if err := state.RefusePasswords(1000); err != nil {
		t.Fatal(err)
	}
	ask(t, acme, v1alpha1.AnnotationRotate, "third administrator")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonPasswordRefused) &&
			declares(seen, v1alpha1.ConditionSettingsApplied, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	})
	request(t, acme, "once-more")
	if value, err := generation(t.Context(), acme, "administrator", 10); err != nil || value != nil {
		t.Errorf("passwords are made without end: %v", err)
	}
	if err := state.RefusePasswords(0); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "the-server-gave-in")
	awaitPosition(t, acme, "administrator", `{"current":9,"request":"third"`)
	awaitUpToDate(t, acme)
	if generationOf(t, acme, "administrator", 1)["username"] != generationOf(t, acme, "administrator", 9)["username"] {
		t.Error("the administrator has another name")
	}
	if acme.Status.DesiredRevision != revision || acme.Status.ServingRevision != revision || !maps.Equal(pods, podsOf(t, acme)) || !slices.Equal(read, secretsOfPods(t, acme)) {
		t.Errorf("a password that pods do not need rolled them: revision %s, then %s", revision, acme.Status.ServingRevision)
	}
	t.Logf("3 rotations with 6 refusals and no rollout; a password in Vault was let in %d times of %d", stop(), stop())

	// A server that began anew with an empty database knows the first password alone.
	first := generationOf(t, acme, "administrator", 1)
	if err := state.StartAnew(first["username"], first["password"]); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "an-empty-database")
	awaitUpToDate(t, acme)
	live.expectLogin(t, acme, "administrator", 9, true)
}

// The data key rotates by name alone, keeps its predecessor until somebody attests that it is
// not needed, and refuses to lose it; a key that somebody wrote over reaches no pod.
func TestTheDataKeyKeepsItsPredecessor(t *testing.T) {
	t.Parallel()
	ns := namespace(t)
	operated(t, harness.OperatorOptions{}, ns)
	acme := ready(t, harness.NewTenant(ns, "acme"))
	live := serverOf(acme)
	awaitUpToDate(t, acme)
	expectDataKey(t, acme, v1alpha1.DataKeyInUse{Generation: 1, Drill: &v1alpha1.RestoreDrill{Generation: 1}})

	ask(t, acme, v1alpha1.AnnotationRotate, "everything")
	awaitPosition(t, acme, "system", `{"current":2,`)
	awaitUpToDate(t, acme)
	expectDataKey(t, acme, v1alpha1.DataKeyInUse{Generation: 1, Drill: &v1alpha1.RestoreDrill{Generation: 1}})

	ask(t, acme, v1alpha1.AnnotationRotate, "first data-key")
	awaitPosition(t, acme, "data-key", `{"previous":1,"current":2,"request":"first"`)
	expectDataKey(t, acme, v1alpha1.DataKeyInUse{Generation: 2, Predecessor: 1, Drill: &v1alpha1.RestoreDrill{Generation: 2}})
	second := awaitUpToDate(t, acme).Status.ServingRevision
	expectKeysInPods(t, acme, 2, 1)

	ask(t, acme, v1alpha1.AnnotationRotate, "second data-key")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonReencryptionUnattested)
	})
	stalled := acme.Status.Conditions[slices.IndexFunc(acme.Status.Conditions, func(c metav1.Condition) bool { return c.Type == v1alpha1.ConditionStalled })].Message
	for _, told := range []string{"lost for ever", "generation 1", v1alpha1.AnnotationReencrypted + "=2"} {
		if !strings.Contains(stalled, told) {
			t.Errorf("the refusal does not say %q: %s", told, stalled)
		}
	}
	if acme.Status.DesiredRevision != second {
		t.Error("a refused rotation changed the desired revision")
	}

	// A person runs the product's re-encryption, and says so.
	if err := standin.FileState(live.file).ForgetSealed(generationOf(t, acme, "data-key", 2)["key"]); err != nil {
		t.Fatal(err)
	}
	ask(t, acme, v1alpha1.AnnotationReencrypted, "2")
	awaitPosition(t, acme, "data-key", `{"previous":2,"current":3,"request":"second"`)
	expectDataKey(t, acme, v1alpha1.DataKeyInUse{Generation: 3, Predecessor: 2, Drill: &v1alpha1.RestoreDrill{Generation: 3}})
	awaitUpToDate(t, acme)
	expectKeysInPods(t, acme, 3, 2)
	if err := standin.FileState(live.file).ForgetSealed(generationOf(t, acme, "data-key", 3)["key"]); err != nil {
		t.Fatal(err)
	}
	ask(t, acme, v1alpha1.AnnotationReencrypted, "3")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool { return seen.Status.DataKey.Predecessor == 0 })
	awaitUpToDate(t, acme)
	expectKeysInPods(t, acme, 3, 0)
	t.Log("refused once, rotated twice, attested twice: pods read what was there before each time")
	expectDrill(t, acme)
}

func expectDataKey(t *testing.T, acme *v1alpha1.IdentityTenant, want v1alpha1.DataKeyInUse) {
	t.Helper()
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		got := seen.Status.DataKey
		return got != nil && got.Generation == want.Generation && got.Predecessor == want.Predecessor && got.Drill != nil && got.Drill.Generation == want.Drill.Generation
	})
}

// expectKeysInPods wants the pods to hold a generation, and another beside it; 0: none.
func expectKeysInPods(t *testing.T, acme *v1alpha1.IdentityTenant, key, old int) {
	t.Helper()
	credentials := &corev1.Secret{}
	for _, name := range secretsOfPods(t, acme) {
		if strings.HasPrefix(name, acme.Name+"-credentials-") {
			if err := world.Admin.Get(t.Context(), client.ObjectKey{Namespace: acme.Namespace, Name: name}, credentials); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := ""
	if old != 0 {
		before = generationOf(t, acme, "data-key", old)["key"]
	}
	if string(credentials.Data["DATA_KEY"]) != generationOf(t, acme, "data-key", key)["key"] || string(credentials.Data["OLD_DATA_KEY"]) != before {
		t.Errorf("the pods do not hold generations %d and %d of the data key", key, old)
	}
}

// expectDrill asks for a drill, spoils the key in Vault, and puts it back.
func expectDrill(t *testing.T, acme *v1alpha1.IdentityTenant) {
	t.Helper()
	ask(t, acme, v1alpha1.AnnotationRestoreDrill, "audit")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		drill := seen.Status.DataKey.Drill
		return drill != nil && drill.Generation == 3 && drill.Request == "audit" && drill.Time != nil
	})
	revision := awaitUpToDate(t, acme).Status.DesiredRevision
	kv := world.Vault.Root().KVv2(localenv.TenantKVMount)
	path := strings.Join([]string{localenv.TenantKVPrefix, acme.Namespace, "identitytenant", acme.Name, "data-key", "3"}, "/")
	spoiled := map[string]any{}
	for field, value := range generationOf(t, acme, "data-key", 3) {
		spoiled[field] = value
	}
	spoiled["key"] = strings.Repeat("0123456789abcdef", 4)
	if _, err := kv.Put(t.Context(), path, spoiled); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "look-at-the-key")
	await(t, acme, func(seen *v1alpha1.IdentityTenant) bool {
		return declares(seen, v1alpha1.ConditionSecretsReady, metav1.ConditionFalse, v1alpha1.ReasonDataKeyDamaged) &&
			seen.Status.DesiredRevision == revision && seen.Status.ServingRevision == revision
	})
	if _, err := kv.Rollback(t.Context(), path, 1); err != nil {
		t.Fatal(err)
	}
	request(t, acme, "the-key-is-back")
	awaitUpToDate(t, acme)
}
