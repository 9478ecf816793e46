package offline

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/desired"
	"github.com/holdfast-iam/holdfast/internal/hardening"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/resolve"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// placeholder stands for what is generated in Vault or issued by cert-manager.
const placeholder = "<generated>"

// placeholderCertificate is a certificate whose key nobody keeps: it
// stands where a chain has to parse. It never reaches the output.
//
//go:embed placeholder.pem
var placeholderCertificate []byte

// Resolved is a tenant as the operator would read it, and what a cluster would know of it.
type Resolved struct {
	Want   tenant.Spec
	Seen   tenant.Facts
	Driver idp.Driver
}

// Resolve reads a tenant and what it refers to. Faults are those of the operator.
func Resolve(ctx context.Context, manifests *Manifests, cr *v1alpha1.IdentityTenant, drivers map[tenant.Product]idp.Driver, options resolve.Options) (Resolved, error) {
	refs, err := resolve.Gather(ctx, manifests, cr)
	if err != nil {
		return Resolved{}, err
	}
	want, err := resolve.Tenant(cr, refs, options)
	if err != nil {
		return Resolved{}, err
	}
	driver, ok := drivers[want.Product]
	if !ok {
		return Resolved{}, fmt.Errorf("no driver for product %s", want.Product)
	}
	if err := resolve.Feasible(want, driver.Shape(want).LongestToken); err != nil {
		return Resolved{}, err
	}
	if want.Replicas == nil {
		want.Replicas = new(int32(tenant.DefaultReplicas))
	}
	return Resolved{Want: want, Seen: facts(want), Driver: driver}, nil
}

// Build gives every object that the tenant would become.
func Build(ctx context.Context, manifests *Manifests, cr *v1alpha1.IdentityTenant, drivers map[tenant.Product]idp.Driver, options resolve.Options) ([]client.Object, error) {
	resolved, err := Resolve(ctx, manifests, cr, drivers, options)
	if err != nil {
		return nil, err
	}
	want, seen, driver := resolved.Want, resolved.Seen, resolved.Driver
	policies, err := desired.NetworkPolicies(want, driver.Shape(want))
	if err != nil {
		return nil, err
	}
	stores, err := desired.Keystores(want)
	if err != nil {
		return nil, err
	}
	schema, err := driver.SchemaJob(want, seen, want.Name+"-schema-credentials")
	if err != nil {
		return nil, err
	}
	around, err := desired.Workload(driver, want, seen)
	if err != nil {
		return nil, err
	}
	secret, err := credentials(driver, want, seen.Credentials)
	if err != nil {
		return nil, err
	}
	objects := append(policies, stores...)
	objects = append(objects, schema...)
	objects = append(objects, secret)
	objects = append(objects, around.Objects...)
	for _, object := range objects {
		// The UID of a custom resource is the API server's to give.
		object.SetOwnerReferences(nil)
		if published, ok := object.(*corev1.ConfigMap); ok && published.Name == want.TrustConfigMapName() {
			published.Data = map[string]string{"ca.crt": "<issued>"}
		}
	}
	return objects, nil
}

// facts are what a cluster would know, and a certificate where a chain has to parse.
func facts(want tenant.Spec) tenant.Facts {
	seen := hardening.Supposed(want)
	for role, fact := range seen.Keystores {
		fact.CertificatePEM = placeholderCertificate
		seen.Keystores[role] = fact
	}
	return seen
}

// credentials shows which keys the pods read, and no value.
func credentials(driver idp.Driver, want tenant.Spec, name string) (*corev1.Secret, error) {
	inputs := idp.Inputs{Generated: map[string]map[string]string{}, Database: idp.UsernamePassword{Username: placeholder, Password: placeholder},
		UserStores: map[string]idp.UsernamePassword{}, KeystorePasswords: map[tenant.KeystoreRole]string{}}
	if want.Mail != nil {
		inputs.Mail = &idp.UsernamePassword{Username: placeholder, Password: placeholder}
	}
	for _, store := range want.UserStores {
		inputs.UserStores[store.Name] = idp.UsernamePassword{Username: placeholder, Password: placeholder}
	}
	for _, material := range driver.Materials(want) {
		value, err := material.Generate(nil)
		if err != nil {
			return nil, err
		}
		inputs.Generated[material.Name] = value
	}
	values, err := driver.Credentials(want, inputs)
	if err != nil {
		return nil, err
	}
	secret := desired.CredentialsSecret(want, values)
	secret.Name, secret.Data, secret.StringData = name, nil, map[string]string{}
	for key := range values {
		secret.StringData[key] = placeholder
	}
	return secret, nil
}

// stripComments drops comment lines and separators, to tell an empty document.
func stripComments(document []byte) []byte {
	var kept [][]byte
	for _, line := range bytes.Split(document, []byte("\n")) {
		trimmed := bytes.TrimSpace(line)
		if bytes.HasPrefix(trimmed, []byte("#")) || bytes.Equal(trimmed, []byte("---")) {
			continue
		}
		kept = append(kept, line)
	}
	return bytes.Join(kept, []byte("\n"))
}
