package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/controllers/operator"
	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// demo is one showing.
type demo struct {
	product   product
	root, dir string
	begin     time.Time
	config    *rest.Config
	cluster   client.Client
	variables map[string]string // of vault.env
	vault     *vaultapi.Client
	proxy     string // reaches pods
}

const fieldOwner = client.FieldOwner("demo")

// connect reads how to reach what was started.
func (d *demo) connect(context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(d.dir, "kubeconfig"))
	if err != nil {
		return err
	}
	d.config = config
	scheme, err := operator.Scheme()
	if err != nil {
		return err
	}
	if d.cluster, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if d.variables, err = readVariables(filepath.Join(d.dir, "vault.env")); err != nil {
		return err
	}
	return d.connectVault()
}

func readVariables(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	variables := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "="); ok {
			variables[name] = value
		}
	}
	return variables, nil
}

// install gives the cluster Holdfast's definitions and Roles, as a chart would.
func (d *demo) install(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "holdfast-system"}}
	if err := d.cluster.Create(ctx, namespace); client.IgnoreAlreadyExists(err) != nil {
		return err
	}
	if err := localenv.InstallCRDs(d.config, filepath.Join(d.root, "config", "crd", "bases")); err != nil {
		return err
	}
	if err := d.kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(d.root, "config", "rbac")); err != nil {
		return err
	}
	d.say("Holdfast's definitions and Roles are in the cluster; the operator has no right on Secrets across it")
	return nil
}

func (d *demo) kubectl(ctx context.Context, arguments ...string) error {
	command := exec.CommandContext(ctx, filepath.Join(d.dir, "bin", "kubectl"), append([]string{"--kubeconfig", filepath.Join(d.dir, "kubeconfig")}, arguments...)...)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", arguments[0], err, output)
	}
	return nil
}

// connectVault signs in as the one who initialised it.
func (d *demo) connectVault() error {
	settings := vaultapi.DefaultConfig()
	settings.Address = d.variables["VAULT_ADDR"]
	if err := settings.ConfigureTLS(&vaultapi.TLSConfig{CACert: d.variables["VAULT_CACERT"]}); err != nil {
		return err
	}
	vault, err := vaultapi.NewClient(settings)
	if err != nil {
		return err
	}
	vault.SetToken(d.variables["VAULT_TOKEN"])
	d.vault = vault
	return nil
}

// account reads a user name and password from a path of Vault.
func (d *demo) account(ctx context.Context, path string) (username, password string, err error) {
	found, err := d.vault.KVv2("secret").Get(ctx, path)
	if err != nil {
		return "", "", err
	}
	username, _ = found.Data["username"].(string)
	password, _ = found.Data["password"].(string)
	return username, password, nil
}

// prepareVault does what the comments of the samples ask a Vault administrator to do.
func (d *demo) prepareVault(ctx context.Context) error {
	vault := d.vault
	policy := ""
	for path, username := range d.product.accounts {
		policy += fmt.Sprintf("path %q { capabilities = [\"read\"] }\n", "secret/data/"+path)
		account := map[string]any{"username": username, "password": rand.Text()}
		if _, err := vault.KVv2("secret").Put(ctx, path, account); err != nil {
			return err
		}
	}
	if err := vault.Sys().PutPolicyWithContext(ctx, databasePolicy, policy); err != nil {
		return err
	}
	role := "auth/" + localenv.TenantAuthMount + "/role/" + localenv.TenantRole
	current, err := vault.Logical().ReadWithContext(ctx, role)
	if err != nil {
		return err
	}
	policies, _ := current.Data["token_policies"].([]any)
	if _, err := vault.Logical().WriteWithContext(ctx, role, map[string]any{"token_policies": append(policies, databasePolicy)}); err != nil {
		return err
	}
	d.say("Vault has a role for the namespace, and the database accounts at secret/%s", strings.Join(slices.Sorted(maps.Keys(d.product.accounts)), " and secret/"))
	return nil
}

// databasePolicy lets the tenant read its database accounts.
const databasePolicy = "demo-database"

// applySurroundings sends what the samples have before the tenant, with the address of this
// Vault in place of the sample's.
func (d *demo) applySurroundings(ctx context.Context) error {
	for _, file := range surroundings {
		if err := d.applyFile(ctx, d.sample("minimal", file)); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// applyTenant sends the one manifest that the rest comes of.
func (d *demo) applyTenant(ctx context.Context) error {
	if err := d.applyFile(ctx, d.sample(d.product.folder, tenantFile)); err != nil {
		return fmt.Errorf("%s: %w", tenantFile, err)
	}
	d.say("config/samples/%s/%s is applied%s; from here on only the operator acts", d.product.folder, tenantFile, d.product.change)
	return nil
}

func (d *demo) applyFile(ctx context.Context, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := documents.Decode(&object.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if object.Object == nil {
			continue
		}
		if object.GetKind() == "VaultConnection" {
			if err := d.pointToVault(ctx, object); err != nil {
				return err
			}
		}
		if object.GetKind() == "IdentityTenant" && d.product.real {
			if err := unstructured.SetNestedField(object.Object, int64(1), "spec", "replicas"); err != nil {
				return err
			}
		}
		if err := d.cluster.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), fieldOwner, client.ForceOwnership); err != nil {
			return fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
}

func (d *demo) pointToVault(ctx context.Context, connection *unstructured.Unstructured) error {
	authority, err := os.ReadFile(d.variables["VAULT_CACERT"])
	if err != nil {
		return err
	}
	configMap := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"namespace": connection.GetNamespace(), "name": "vault-ca"},
		"data":     map[string]any{"ca.crt": string(authority)},
	}}
	if err := d.cluster.Apply(ctx, client.ApplyConfigurationFromUnstructured(configMap), fieldOwner, client.ForceOwnership); err != nil {
		return err
	}
	return errors.Join(
		unstructured.SetNestedField(connection.Object, d.variables["VAULT_ADDR"], "spec", "address"),
		unstructured.SetNestedStringMap(connection.Object, map[string]string{"name": "vault-ca", "key": "ca.crt"}, "spec", "ca", "configMapRef"),
	)
}
