package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/rotation"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// tenantMaterial is what people have to know of a material before it rotates.
type tenantMaterial struct {
	name string
	// what happens, and what else when it leaked.
	what, leaked string
	// loggedOut and pinned say who notices. Empty: nobody does.
	loggedOut, pinned string
	// rolls: pods hold it.
	rolls bool
	// named: it rotates only when it is named.
	named bool
	// store: it lies in the child Keystore of that role.
	store bool
}

type tenantMaterialList []tenantMaterial

// tenantMaterials are in the order in which a leak is answered: the administrator first, who could
// undo all that follows; what signs; what the pods sign in with; what others pin; what is lost for ever last.
var tenantMaterials = tenantMaterialList{
	{name: "administrator", what: "its password is changed in the server at once", pinned: "whoever signs in as the administrator: the new password is in Vault"},
	{name: string(tenant.RoleSigning), rolls: true, store: true, what: "the key that is published as the next one signs; the former one still verifies",
		leaked:    "a fresh next key is published first, then signs; the leaked one verifies no more",
		loggedOut: "whoever holds a token that the leaked key signed", pinned: "clients that pin a signing key instead of reading the published ones"},
	{name: "database", rolls: true, what: "pods sign in to the database with another account; the former one is revoked after"},
	{name: "system", rolls: true, what: "the other of two accounts is opened, pods change over, the former one is closed"},
	{name: "endpoint-application", rolls: true, what: "the login and recovery pages get another password"},
	{name: string(tenant.RoleFederation), rolls: true, store: true, what: "SAML messages are signed with another key",
		pinned: "SAML partners: each refuses logins until it has the new certificate"},
	{name: string(tenant.RoleTLS), rolls: true, store: true, what: "the issuer makes another certificate", pinned: "clients that pin the certificate instead of its CA"},
	{name: string(tenant.RoleInternal), rolls: true, store: true, named: true, what: "the server's internal store gets another key; what was encrypted with the former one has to be encrypted anew before"},
	{name: "data-key", rolls: true, named: true, what: "new data is encrypted with another key; the former one stays for reading"},
}

func (l tenantMaterialList) table() (table string) {
	for _, m := range l {
		table += fmt.Sprintf("  %-20s %s\n", m.name, m.what)
	}
	return table
}

func (l tenantMaterialList) names() (names []string) {
	for _, m := range l {
		names = append(names, m.name)
	}
	return names
}

// tenantTarget is an IdentityTenant.
type tenantTarget struct{ cr *v1alpha1.IdentityTenant }

func (t *tenantTarget) object() client.Object          { return t.cr }
func (t *tenantTarget) word() string                   { return "tenant" }
func (t *tenantTarget) kind() string                   { return "IdentityTenant" }
func (t *tenantTarget) conditions() []metav1.Condition { return t.cr.Status.Conditions }

func (t *tenantTarget) handled() string {
	if t.cr.Status.Requests == nil {
		return ""
	}
	return t.cr.Status.Requests.Rotate
}

// choose writes out what --all means, since what leaked has to be named to be told so.
func (t *tenantTarget) choose(options rotateOptions) (map[string]rotation.Verb, error) {
	chosen, err := chosenOf(options.materials)
	if err != nil {
		return nil, err
	}
	for name, verb := range chosen {
		at := slices.IndexFunc(tenantMaterials, func(m tenantMaterial) bool { return m.name == name })
		switch {
		case at < 0:
			return nil, fmt.Errorf("--material %s: an IdentityTenant has no such material: write one of %s", name, strings.Join(tenantMaterials.names(), ", "))
		case verb == rotation.Drop:
			return nil, fmt.Errorf("--material %s:%s is for a Keystore: write %s, or %s:%s when somebody else may know it", name, verb, name, name, rotation.Leaked)
		}
		if missing := t.missing(tenantMaterials[at]); missing != "" {
			return nil, fmt.Errorf("--material %s: %s", name, missing)
		}
	}
	if !options.all {
		return chosen, nil
	}
	all := map[string]rotation.Verb{}
	for _, m := range tenantMaterials {
		_, named := chosen[m.name]
		if named || !m.named && t.missing(m) == "" {
			all[m.name] = rotation.Leaked
		}
	}
	return all, nil
}

// missing says why this tenant has nothing of a material to rotate.
func (t *tenantTarget) missing(m tenantMaterial) string {
	switch {
	case m.name == "database" && t.declaredAccount():
		return "the database account of " + t.cr.Name + " is not made by Holdfast: change it where spec.database has it from, the pods follow"
	case m.store && len(t.cr.Status.Keystores) > 0 && !slices.ContainsFunc(t.cr.Status.Keystores, func(k v1alpha1.KeystoreInUse) bool { return k.Name == t.cr.Name+"-"+m.name }):
		return t.cr.Name + " has no Keystore of its own for it"
	}
	return ""
}

// declaredAccount tells whether somebody else decides which account the database is used with.
func (t *tenantTarget) declaredAccount() bool {
	for _, database := range []*v1alpha1.SQLDatabase{t.cr.Spec.Database.PostgreSQL, t.cr.Spec.Database.MySQL, t.cr.Spec.Database.MSSQL} {
		if database != nil {
			return database.Credentials.SecretRef != nil || database.Credentials.VaultKV != nil || database.Credentials.VaultStaticRole != nil
		}
	}
	return true
}

// rotating are the materials that are chosen, in the order of the table.
func (t *tenantTarget) rotating(chosen map[string]rotation.Verb) (rotating tenantMaterialList) {
	for _, m := range tenantMaterials {
		_, named := chosen[m.name]
		if named || len(chosen) == 0 && !m.named && t.missing(m) == "" {
			rotating = append(rotating, m)
		}
	}
	return rotating
}

func (t *tenantTarget) effects(ctx context.Context, cluster client.Reader, chosen map[string]rotation.Verb, all bool) ([]string, error) {
	var lines, loggedOut, pinned []string
	rolls := false
	rotating := t.rotating(chosen)
	for i, m := range rotating {
		what := m.what
		if leaked := chosen[m.name] == rotation.Leaked; leaked && m.leaked != "" {
			what = m.leaked
			loggedOut = append(loggedOut, m.loggedOut)
		}
		lines = append(lines, fmt.Sprintf("%d. %s: %s", i+1, m.name, what))
		if m.pinned != "" {
			pinned = append(pinned, m.name+": "+m.pinned)
		}
		rolls = rolls || t.rolls(m)
	}
	if rolls {
		lines = append(lines, "Replaced: "+t.pods(ctx, cluster))
	} else {
		lines = append(lines, "Replaced: no pod")
	}
	lines = append(lines, "Logged out: "+orNobody(loggedOut))
	for _, who := range pinned {
		lines = append(lines, "Has to follow: "+who)
	}
	if all {
		for _, m := range tenantMaterials {
			if _, in := chosen[m.name]; in {
				continue
			}
			why := t.missing(m)
			if why == "" {
				why = "name it too when it leaked: --material " + m.name + ":leaked"
			}
			lines = append(lines, "Left as it is: "+m.name+", "+why)
		}
	}
	return lines, nil
}

// pods names those that are replaced. Who may not list pods is told their number.
// rolls tells whether pods are replaced for a material. A Keycloak is given the keys that sign while it runs.
func (t *tenantTarget) rolls(m tenantMaterial) bool {
	return m.rolls && (t.cr.Spec.Product.Keycloak == nil || m.name != string(tenant.RoleSigning))
}

func (t *tenantTarget) pods(ctx context.Context, cluster client.Reader) string {
	var pods corev1.PodList
	err := cluster.List(ctx, &pods, client.InNamespace(t.cr.Namespace), client.MatchingLabels{tenant.LabelTenant: t.cr.Name, tenant.LabelComponent: tenant.ComponentServer})
	if err != nil || len(pods.Items) == 0 {
		replicas := int32(tenant.DefaultReplicas)
		if t.cr.Spec.Replicas != nil {
			replicas = *t.cr.Spec.Replicas
		}
		return fmt.Sprintf("%d pods, once, one after the other", replicas)
	}
	names := make([]string, 0, len(pods.Items))
	for i := range pods.Items {
		names = append(names, pods.Items[i].Name)
	}
	slices.Sort(names)
	return "pods " + strings.Join(names, ", ") + ", once, one after the other"
}

func (t *tenantTarget) irreversible(chosen map[string]rotation.Verb) string {
	if _, named := chosen["data-key"]; !named {
		return ""
	}
	present := "the present key"
	if key := t.cr.Status.DataKey; key != nil {
		present = fmt.Sprintf("the present key, generation %d,", key.Generation)
	}
	return "Data can be lost for ever: the server reads with its data key and the one before it alone, and encrypts nothing anew by itself.\n" +
		"What " + present + " has encrypted is unreadable after the rotation after this one, unless it was encrypted anew until then."
}

func (t *tenantTarget) waits() (lines []string) {
	request, err := rotation.ParseRequest(t.cr.Annotations[v1alpha1.AnnotationRotate], v1alpha1.ReasonInvalidSpec)
	if err != nil {
		return nil // the operator says so
	}
	for _, one := range t.cr.Status.Rotations {
		_, named := request.Materials[one.Material]
		idle := one.Reason == string(rotation.NotDue) || one.Reason == string(rotation.Suspended)
		if !idle && (named || len(request.Materials) == 0) {
			lines = append(lines, fmt.Sprintf("%s is %s: %s", one.Material, one.Reason, one.Message))
		}
	}
	return lines
}

func orNobody(who []string) string {
	if len(who) == 0 {
		return "nobody"
	}
	return strings.Join(who, "; ")
}
