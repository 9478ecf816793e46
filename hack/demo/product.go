package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// product is what the demo differs in between identity servers.
type product struct {
	name   string
	tenant client.ObjectKey
	// folder of config/samples has the tenant.
	folder string
	// accounts of the database, by their path in Vault.
	accounts map[string]string
	// real tells that a server and a database run, whose answers can be shown.
	real  bool
	truth string
	// change is what the demo applies otherwise than the sample.
	change string
}

// surroundings are what the samples have before the tenant.
var surroundings = []string{"00-namespace.yaml", "10-vault.yaml", "20-issuer.yaml", "30-database.yaml"}

const tenantFile = "40-tenant.yaml"

var products = map[string]product{
	"keycloak": {
		name: "keycloak", tenant: client.ObjectKey{Namespace: "iam", Name: "shop"}, folder: "keycloak", real: true, change: ", with one replica",
		accounts: map[string]string{ownerPath: "shop_owner", userPath: "shop"},
		truth: `
Real here: the API server with its controllers and admission, Vault, cert-manager, every key,
certificate and keystore, PostgreSQL, and Keycloak, each started by the pod's own command from
the Secrets and ConfigMaps that the operator made; what was printed above came over the wire.
Not here: containers. Pods are processes of this machine on a node of the demo's own, with paths
and ports moved, so nothing shows of images, read-only roots and NetworkPolicies.

`,
	},
	"wso2is": {
		name: "wso2is", tenant: client.ObjectKey{Namespace: "iam", Name: "acme"}, folder: "minimal",
		accounts: map[string]string{"acme/db": "acme"},
		truth: `
Real here: the API server with its controllers and admission, Vault, cert-manager, every
key, certificate and keystore, the TLS connection to the server and the settings on it.
Simulated: the node and its pods (kwok runs no container), so also the database and its
schema Job's verdict; and behind each pod a stand-in answers in place of WSO2 Identity
Server. No part of this was run against a live WSO2 server.

`,
	},
}

// Paths in Vault of the database accounts of the Keycloak sample.
const (
	ownerPath = "shop/db-owner"
	userPath  = "shop/db"
)

func productNamed(name string) (product, error) {
	found, ok := products[name]
	if !ok {
		return product{}, fmt.Errorf("there is no product %q: choose one of %s", name, strings.Join(slices.Sorted(maps.Keys(products)), ", "))
	}
	return found, nil
}

func (d *demo) sample(folder, file string) string {
	return filepath.Join(d.root, "config", "samples", folder, file)
}
