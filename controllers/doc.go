// Package controllers holds one package per kind. What all of them together may ask
// of the API server stands here, in one place, so that it can be reviewed in one place;
// make generate turns the markers into config/rbac.
// Every right is used: test/functional compares them with what the operator asked for in all its tests, and lists those that
// are granted for a case that no test reaches.
//
// holdfast-manager is bound everywhere, or in each namespace of an operator that works in
// some only, and cannot read a Secret: it sees the custom resources, says in their status
// what is missing, and asks whether it was let into a namespace. holdfast-cluster is about
// objects that lie in no namespace. holdfast-tenant-namespace is bound by a RoleBinding in each namespace whose
// owner lets the operator in, and nowhere else.
package controllers

// Everywhere: the wishes, their status and finalizers.
//
// +kubebuilder:rbac:groups=iam.holdfast.dev,resources=identitytenants;keystores;hardeningwaivers;passwordpolicies;logpolicies;rotationschedules;vaultconnections,verbs=list;watch
// +kubebuilder:rbac:groups=iam.holdfast.dev,resources=identitytenants/status;keystores/status;hardeningwaivers/status;passwordpolicies/status;logpolicies/status;rotationschedules/status;vaultconnections/status,verbs=patch
// +kubebuilder:rbac:groups=iam.holdfast.dev,resources=identitytenants/finalizers;keystores/finalizers,verbs=update
//
// A finalizer lies in metadata, so it needs patch on the object itself; it has to come off
// even where the RoleBinding is already gone. What a request asked for is read past the cache.
//
// +kubebuilder:rbac:groups=iam.holdfast.dev,resources=identitytenants;keystores,verbs=get;patch
//
// What is written down of rotations.
//
// +kubebuilder:rbac:groups=iam.holdfast.dev,resources=rotationrecords,verbs=get;list;watch
// +kubebuilder:rbac:groups=iam.holdfast.dev,resources=rotationrecords/status,verbs=patch
//
// Whether a namespace admits the operator, and what happened.
//
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=selfsubjectaccessreviews,verbs=create
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Of the cluster itself: an operator that works in some namespaces only goes without, and tells what it then needs.
//
// Issuers of the whole cluster, to tell whether one can sign in-cluster names.
//
// +kubebuilder:rbac:roleName=holdfast-cluster,groups=cert-manager.io,resources=clusterissuers,verbs=get
//
// The UID of kube-system identifies the cluster in the owner mark of a Vault value.
//
// +kubebuilder:rbac:roleName=holdfast-cluster,groups="",resources=namespaces,resourceNames=kube-system,verbs=get
//
// Who may read its metrics.
//
// +kubebuilder:rbac:roleName=holdfast-cluster,groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create
// +kubebuilder:rbac:roleName=holdfast-cluster,groups=authentication.k8s.io,resources=tokenreviews,verbs=create

// In a tenant's namespace: what a tenant is made of.
//
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups="",resources=secrets;services;serviceaccounts,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups="",resources=configmaps,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=apps,resources=statefulsets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=batch,resources=jobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=networking.k8s.io,resources=networkpolicies;ingresses,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=gateway.networking.k8s.io,resources=httproutes;backendtlspolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=cert-manager.io,resources=certificates,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=cert-manager.io,resources=certificates/status,verbs=patch
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=iam.holdfast.dev,resources=keystores,verbs=create;delete
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=iam.holdfast.dev,resources=rotationrecords,verbs=create;delete
//
// What it refers to and what becomes of it.
//
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=cert-manager.io,resources=issuers,verbs=list;watch
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups=apps,resources=controllerrevisions,verbs=get;list
//
// A pod of a broken, held rollout is deleted, so that it comes back from the old template.
//
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups="",resources=pods,verbs=list;delete
//
// Signing in at Vault with a short-lived token of this one service account.
//
// +kubebuilder:rbac:roleName=holdfast-tenant-namespace,groups="",resources=serviceaccounts/token,resourceNames=holdfast-vault,verbs=create
