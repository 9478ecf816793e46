package desired

import (
	"bytes"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/holdfast-iam/holdfast/internal/golden"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

type builder struct {
	name  string
	build func(tenant.Spec) ([]client.Object, error)
}

// builders are all builders whose result the specification alone decides.
var builders = []builder{
	{"networkpolicies", func(want tenant.Spec) ([]client.Object, error) { return NetworkPolicies(want, shape()) }},
	{"serviceaccount", func(want tenant.Spec) ([]client.Object, error) { return ServiceAccount(want), nil }},
	{"services", func(want tenant.Spec) ([]client.Object, error) { return Services(want, shape()), nil }},
	{"poddisruptionbudget", func(want tenant.Spec) ([]client.Object, error) { return PodDisruptionBudget(want), nil }},
	{"keystores", Keystores},
	{"exposure", func(want tenant.Spec) ([]client.Object, error) { return Exposure(want, shape()) }},
	{"configmaps", func(want tenant.Spec) ([]client.Object, error) {
		proof := SchemaProofConfigMap(want, tenant.SchemaProof{Image: want.Image, HadData: true})
		trust, err := TrustConfigMap(want, tenant.Facts{Keystores: map[tenant.KeystoreRole]tenant.KeystoreFact{
			tenant.RoleTLS: {CertificatePEM: []byte(goldenCA)},
		}})
		return append(trust, proof), err
	}},
	{"secrets", func(want tenant.Spec) ([]client.Object, error) {
		files := idp.Files{"deployment.toml": []byte("[server]\n"), "log4j2.properties": []byte("status = error\n")}
		schema, err := SchemaCredentialsSecret(want, SchemaAccounts{Owner: idp.UsernamePassword{Username: "owner", Password: "not-a-secret"}}, []byte("a key of the test"))
		return []client.Object{
			ConfigSecret(want, files), CredentialsSecret(want, idp.Credentials{"data-key": []byte("not-a-secret")}), schema,
		}, err
	}},
}

func TestGolden(t *testing.T) {
	for name, want := range map[string]tenant.Spec{"minimal": minimal(), "full": full()} {
		for _, b := range builders {
			t.Run(name+"/"+b.name, func(t *testing.T) {
				objects, err := b.build(want)
				if err != nil {
					t.Fatal(err)
				}
				golden.Expect(t, filepath.Join("testdata", name+"."+b.name+".out.yaml"), encode(t, objects))
			})
		}
	}
}

func encode(t *testing.T, objects []client.Object) []byte {
	t.Helper()
	documents := make([][]byte, 0, len(objects))
	for _, object := range objects {
		document, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, document)
	}
	return bytes.Join(documents, []byte("---\n"))
}

// goldenCA is a certificate of nothing, whose key is lost.
const goldenCA = `-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUOwqxx8x4cvJp2rl9NfRzXeTds1EwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGZ29sZGVuMCAXDTI2MTEyMjEwMTczM1oYDzIxMjYxMDI5MTAx
NzMzWjARMQ8wDQYDVQQDDAZnb2xkZW4wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAStYwzhpWIS7s9ncOCJWFAAKJgYpkDJze+J9p1rpVqF/OBpI+yxRBDnb/GmkAj7
erE1EiNFQ/YL7hV/DhDdGj5ko1MwUTAdBgNVHQ4EFgQUZKwXgJWRbg3/zMtTRBmk
/DiS23UwHwYDVR0jBBgwFoAUZKwXgJWRbg3/zMtTRBmk/DiS23UwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBHdntHrwA+9rv+g63rZssjBoET6uuz
iT4VqVV50GSCJgIhAODDdjGPshgU0MVRtGryTHffw8NF3iaI5qF7LuIHr3Bf
-----END CERTIFICATE-----
`
