// Package v1alpha1 holds the kinds of the API group iam.holdfast.dev: pure data,
// their rules (CEL markers) and every condition type and reason.
//
// +kubebuilder:object:generate=true
// +groupName=iam.holdfast.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "iam.holdfast.dev", Version: "v1alpha1"}

// SchemeBuilder collects the functions that add this package's kinds to a scheme.
var SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

// AddToScheme adds this package's kinds to a scheme.
var AddToScheme = SchemeBuilder.AddToScheme

func addKnownTypes(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion,
		&IdentityTenant{}, &IdentityTenantList{},
		&Keystore{}, &KeystoreList{},
		&PasswordPolicy{}, &PasswordPolicyList{},
		&LogPolicy{}, &LogPolicyList{},
		&HardeningWaiver{}, &HardeningWaiverList{},
		&VaultConnection{}, &VaultConnectionList{},
		&RotationRecord{}, &RotationRecordList{},
		&RotationSchedule{}, &RotationScheduleList{},
	)
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
