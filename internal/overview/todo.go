package overview

import (
	"fmt"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// soon is how long before its end a certificate that nobody replaced is told.
const soon = 7 * 24 * time.Hour

// patience is how long something may take that mostly comes by itself.
const patience = 10 * time.Minute

// commands that help, by the reason of a condition; empty where the message carries it. What has none is told by its message alone.
// %[1]s is the name, %[2]s the namespace.
var commands = map[string]string{
	v1alpha1.ReasonNamespaceNotAdmitted: "",
	v1alpha1.ReasonUpgradeUnconfirmed:   "kubectl annotate identitytenant %[1]s -n %[2]s iam.holdfast.dev/confirm-upgrade=VERSION, once the database is migrated",
	v1alpha1.ReasonOwnedByOther:         "kubectl annotate identitytenant %[1]s -n %[2]s iam.holdfast.dev/adopt=TOKEN, if it is truly this tenant's",
	v1alpha1.ReasonPodsNotReady:         "kubectl logs -n %[2]s -l app.kubernetes.io/instance=%[1]s --tail=100",
	v1alpha1.ReasonCertificatePending:   "kubectl describe certificates,certificaterequests -n %[2]s",
	v1alpha1.ReasonServerRefusedLogin:   "holdfast rotate tenant %[1]s -n %[2]s --material system --wait",
}

// advice gathers what to do; each is said once.
type advice struct {
	name, namespace string
	list            []string
}

func (a *advice) add(text, reason string) {
	if command := commands[reason]; command != "" {
		text = strings.TrimSuffix(text, ".") + ". " + fmt.Sprintf("Try: "+command, a.name, a.namespace)
	}
	if !slices.Contains(a.list, text) {
		a.list = append(a.list, text)
	}
}

// toDo says what a person has to do, the most pressing first. What passes by itself is not among it.
func toDo(cr *v1alpha1.IdentityTenant, tenant *Tenant, now time.Time) []string {
	a := &advice{name: cr.Name, namespace: cr.Namespace, list: []string{}}
	if stalled := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionStalled); stalled != nil && stalled.Status == metav1.ConditionTrue {
		a.add(stalled.Message, stalled.Reason)
	}
	if tenant.Summary == "NotObserved" {
		a.add("Nobody looked at the tenant as it is now: see whether the manager runs, kubectl get pods -n holdfast-system", "")
	}
	if cr.Spec.Suspend {
		a.add("The operator changes nothing: set spec.suspend to false when it may", "")
	}
	for _, condition := range cr.Status.Conditions {
		if _, helps := commands[condition.Reason]; helps && condition.Status == metav1.ConditionFalse && now.Sub(condition.LastTransitionTime.Time) > patience {
			a.add(condition.Message, condition.Reason)
		}
	}
	if hardened := apimeta.FindStatusCondition(cr.Status.Conditions, v1alpha1.ConditionHardened); hardened != nil && hardened.Status == metav1.ConditionFalse {
		a.add(hardened.Message, "")
	}
	a.uses(tenant, now)
	return a.list
}

// uses tells what is wrong with what the tenant needs, and which rotations are late.
func (a *advice) uses(tenant *Tenant, now time.Time) {
	for _, object := range tenant.Uses {
		if object.Ready == metav1.ConditionUnknown || object.Ready == metav1.ConditionFalse && object.Kind != "Keystore" {
			a.add(fmt.Sprintf("%s %s: %s", object.Kind, object.Name, object.Message), "")
		}
		if object.Ends != nil && object.Ends.Sub(now) < soon {
			a.add(fmt.Sprintf("The certificate of %s ends %s: see docs/runbooks/HoldfastCertificateEnds.md", object.Name, distance(object.Ends.Sub(now))), "")
		}
	}
	for _, rotation := range tenant.Rotations {
		if rotation.Overdue {
			a.add(fmt.Sprintf("%s is late, %s. To have it now: holdfast rotate tenant %s -n %s --material %s --wait", rotation.Material, strings.TrimSuffix(rotation.Message, "."), a.name, a.namespace, rotation.Material), "")
		}
	}
}

// distance of a time in one unit, such as in 12d or 3h ago.
func distance(d time.Duration) string {
	size := d.Abs()
	var text string
	switch {
	case size < time.Minute:
		return "now"
	case size < time.Hour:
		text = fmt.Sprintf("%dm", size/time.Minute)
	case size < 48*time.Hour:
		text = fmt.Sprintf("%dh", size/time.Hour)
	default:
		text = fmt.Sprintf("%dd", size/(24*time.Hour))
	}
	if d < 0 {
		return text + " ago"
	}
	return "in " + text
}
