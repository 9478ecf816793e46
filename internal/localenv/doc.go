// Package localenv builds and runs the real programs that Holdfast works with: etcd, the Kubernetes control plane, Vault, cert-manager and kwok.
//
// PostgreSQL comes from the machine's own packages, Keycloak as a release from Maven.
//
// Each other program is upstream source, compiled from the pinned modules under hack/local/build into a cache outside the repository
// ($HOLDFAST_CACHE, else "holdfast" in the user's cache folder) and run as an ordinary process on 127.0.0.1: no root, no containers.
// The command hack/local and every test start them through this package, so there is one way to start things.
//
// A started program lives in a process group of its own. Unless it was started with Detached it does not outlive the process that started it,
// not even when that one is killed (on Linux).
package localenv
