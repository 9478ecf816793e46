package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/fault"
	"github.com/holdfast-iam/holdfast/internal/rotation"
)

// References are the objects that a tenant names, as far as resolving needs them.
type References struct {
	PasswordPolicies map[string]*v1alpha1.PasswordPolicy
	LogPolicy        *v1alpha1.LogPolicy
	// Services by "name.namespace".
	Services map[string]*corev1.Service
	// Waivers of the namespace.
	Waivers []v1alpha1.HardeningWaiver
	// Schedules by name.
	Schedules map[string]rotation.Schedule
}

// Gather reads what the tenant refers to. A missing policy or Service is a Waiting
// fault: it heals by watch when the object appears.
func Gather(ctx context.Context, reader client.Reader, cr *v1alpha1.IdentityTenant) (References, error) {
	refs := References{PasswordPolicies: map[string]*v1alpha1.PasswordPolicy{}, Services: map[string]*corev1.Service{}}
	for i, realm := range cr.Spec.Realms {
		if realm.PasswordPolicyRef == nil {
			continue
		}
		policy := &v1alpha1.PasswordPolicy{}
		if err := get(ctx, reader, cr.Namespace, realm.PasswordPolicyRef.Name, policy, "PasswordPolicy",
			fmt.Sprintf("spec.realms[%d].passwordPolicyRef", i)); err != nil {
			return refs, err
		}
		refs.PasswordPolicies[policy.Name] = policy
	}
	if ref := cr.Spec.LogPolicyRef; ref != nil {
		refs.LogPolicy = &v1alpha1.LogPolicy{}
		if err := get(ctx, reader, cr.Namespace, ref.Name, refs.LogPolicy, "LogPolicy", "spec.logPolicyRef"); err != nil {
			return refs, err
		}
		if stalled := apimeta.FindStatusCondition(refs.LogPolicy.Status.Conditions, v1alpha1.ConditionStalled); stalled != nil && stalled.Status == metav1.ConditionTrue {
			return refs, fault.Terminal(stalled.Reason, "LogPolicy %s/%s, named by spec.logPolicyRef, is not valid: %s", cr.Namespace, ref.Name, stalled.Message)
		}
	}
	var waivers v1alpha1.HardeningWaiverList
	if err := reader.List(ctx, &waivers, client.InNamespace(cr.Namespace)); err != nil {
		return refs, fmt.Errorf("list HardeningWaivers of namespace %s: %w", cr.Namespace, err)
	}
	refs.Waivers = waivers.Items
	var err error
	refs.Schedules, err = gatherSchedules(cr, func(name, field string) (*v1alpha1.RotationSchedule, error) {
		schedule := &v1alpha1.RotationSchedule{}
		return schedule, get(ctx, reader, cr.Namespace, name, schedule, "RotationSchedule", field)
	})
	if err != nil {
		return refs, err
	}
	for _, host := range hosts(cr) {
		name, namespace, ok := serviceOf(host.name, cr.Namespace)
		if !ok || host.peer != nil {
			continue
		}
		if namespace != cr.Namespace {
			return refs, fault.Terminal(v1alpha1.ReasonPeerUnknown,
				"%s: %s is a Service of namespace %s, which this tenant may not read: say in %s where its pods are", host.field, host.name, namespace, host.peerField)
		}
		service := &corev1.Service{}
		if err := get(ctx, reader, namespace, name, service, "Service", host.field); err != nil {
			return refs, err
		}
		refs.Services[name+"."+namespace] = service
	}
	return refs, nil
}

func get(ctx context.Context, reader client.Reader, namespace, name string, object client.Object, kind, field string) error {
	err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return fault.Waiting(v1alpha1.ReasonNotFound, "%s %s/%s, named by %s, does not exist: create it or change the name", kind, namespace, name, field)
	}
	if err != nil {
		return fmt.Errorf("read %s %s/%s: %w", kind, namespace, name, err)
	}
	return nil
}

// Services are the names of the Services of the tenant's own namespace that it depends on.
func Services(cr *v1alpha1.IdentityTenant) (names []string) {
	for _, host := range hosts(cr) {
		if name, namespace, ok := serviceOf(host.name, cr.Namespace); ok && host.peer == nil && namespace == cr.Namespace {
			names = append(names, name)
		}
	}
	return names
}

// host is a declared dependency of the server.
type host struct {
	name             string
	port             int32
	peer             *v1alpha1.Peer
	field, peerField string
}

// defaultMailPort is the submission port (RFC 6409).
const defaultMailPort = 587

func hosts(cr *v1alpha1.IdentityTenant) []host {
	found := []host{databaseHost(cr)}
	if mail := cr.Spec.Mail; mail != nil {
		found = append(found, mailHost(mail))
	}
	for i := range cr.Spec.UserStores {
		found = append(found, directoryHosts(i, &cr.Spec.UserStores[i])...)
	}
	return found
}

func databaseHost(cr *v1alpha1.IdentityTenant) host {
	member, database := sqlDatabase(cr)
	field := "spec.database." + member
	return host{name: database.Host, port: database.Port, peer: database.Peer, field: field + ".host", peerField: field + ".peer"}
}

func mailHost(mail *v1alpha1.Mail) host {
	port := mail.Port
	if port == 0 {
		port = defaultMailPort
	}
	return host{name: mail.Host, port: port, peer: mail.Peer, field: "spec.mail.host", peerField: "spec.mail.peer"}
}

// serviceOf reads a host name of the forms NAME.NAMESPACE.svc and, with the default
// cluster domain behind it, NAME.NAMESPACE.svc.cluster.local. A single label is a
// Service of the tenant's own namespace.
func serviceOf(hostname, namespace string) (name, serviceNamespace string, ok bool) {
	if _, err := netip.ParseAddr(hostname); err == nil {
		return "", "", false
	}
	labels := strings.Split(strings.TrimSuffix(hostname, ".cluster.local"), ".")
	switch {
	case len(labels) == 1:
		return labels[0], namespace, true
	case len(labels) == 3 && labels[2] == "svc":
		return labels[0], labels[1], true
	}
	return "", "", false
}
