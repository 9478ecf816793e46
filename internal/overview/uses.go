package overview

import (
	"slices"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// uses lists the objects of ours that the tenant names, and its Keystores.
func uses(cr *v1alpha1.IdentityTenant, seen *Namespace) (found []Object) {
	at := func(name string) types.NamespacedName {
		return types.NamespacedName{Namespace: cr.Namespace, Name: name}
	}
	add := func(kind, name string, conditions []metav1.Condition, exists bool) {
		if !slices.ContainsFunc(found, func(one Object) bool { return one.Kind == kind && one.Name == name }) {
			found = append(found, object(kind, name, conditions, exists))
		}
	}
	connection, exists := find(seen.Connections, at(cr.Spec.VaultRef.Name))
	add("VaultConnection", cr.Spec.VaultRef.Name, connection.Status.Conditions, exists)
	for _, inUse := range cr.Status.Keystores {
		store, exists := find(seen.Keystores, at(inUse.Name))
		add("Keystore", inUse.Name, store.Status.Conditions, exists)
		last := &found[len(found)-1]
		last.Generation, last.Ends = inUse.Generation, inUse.NotAfter
	}
	if ref := cr.Spec.LogPolicyRef; ref != nil {
		policy, exists := find(seen.Logs, at(ref.Name))
		add("LogPolicy", ref.Name, policy.Status.Conditions, exists)
	}
	for _, realm := range cr.Spec.Realms {
		if ref := realm.PasswordPolicyRef; ref != nil {
			policy, exists := find(seen.Passwords, at(ref.Name))
			add("PasswordPolicy", ref.Name, policy.Status.Conditions, exists)
		}
	}
	for _, name := range schedules(cr) {
		schedule, exists := find(seen.Schedules, at(name))
		add("RotationSchedule", name, schedule.Status.Conditions, exists)
	}
	if judged := cr.Status.Hardening; judged != nil {
		for _, name := range judged.Waivers {
			waiver, exists := find(seen.Waivers, at(name))
			add("HardeningWaiver", name, waiver.Status.Conditions, exists)
		}
	}
	return found
}

// object tells whether what is used is Ready, and why not.
func object(kind, name string, conditions []metav1.Condition, exists bool) Object {
	told := Object{Kind: kind, Name: name, Ready: metav1.ConditionUnknown, Message: "It does not exist"}
	ready := apimeta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	switch {
	case ready != nil && ready.Status == metav1.ConditionTrue:
		told.Ready, told.Message = ready.Status, ""
	case ready != nil:
		told.Ready, told.Message = ready.Status, ready.Reason+": "+ready.Message
	case exists:
		told.Message = "Nobody looked at it yet"
	}
	return told
}

// schedules are the RotationSchedules that the tenant names.
func schedules(cr *v1alpha1.IdentityTenant) (names []string) {
	if stores := cr.Spec.Keystores; stores != nil && stores.TokenSigning != nil && stores.TokenSigning.RotationRef != nil {
		names = append(names, stores.TokenSigning.RotationRef.Name)
	}
	for _, realm := range cr.Spec.Realms {
		if realm.Administrators != nil && realm.Administrators.RotationRef != nil {
			names = append(names, realm.Administrators.RotationRef.Name)
		}
	}
	if cr.Spec.Maintenance != nil {
		names = append(names, cr.Spec.Maintenance.RotationRef.Name)
	}
	return names
}

// find an object in a list.
func find[T any, P interface {
	*T
	metav1.Object
}](list []T, key types.NamespacedName) (found T, exists bool) {
	for i := range list {
		if object := P(&list[i]); object.GetNamespace() == key.Namespace && object.GetName() == key.Name {
			return list[i], true
		}
	}
	return found, false
}
