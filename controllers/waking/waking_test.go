package waking_test

import (
	"testing"

	cmv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/controllers/waking"
)

func meta(version string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "shop", Name: "acme", Generation: 1, ResourceVersion: version}
}

func certificate(conditions ...cmv1.CertificateCondition) *cmv1.Certificate {
	return &cmv1.Certificate{ObjectMeta: meta("1"), Status: cmv1.CertificateStatus{Conditions: conditions}}
}

func TestOnlyNewsWakes(t *testing.T) {
	issuing := cmv1.CertificateCondition{Type: cmv1.CertificateConditionIssuing, Status: cmmeta.ConditionTrue}
	failed := cmv1.CertificateCondition{Type: cmv1.CertificateConditionIssuing, Status: cmmeta.ConditionFalse, Reason: "Failed"}
	ready := cmv1.CertificateCondition{Type: cmv1.CertificateConditionReady, Status: cmmeta.ConditionTrue, ObservedGeneration: 1}
	labelled := &policyv1.PodDisruptionBudget{ObjectMeta: meta("2")}
	labelled.Labels = map[string]string{"a": "b"}
	specified := &policyv1.PodDisruptionBudget{ObjectMeta: meta("2")}
	specified.Generation = 2
	plain := metav1.ObjectMeta{Namespace: "shop", Name: "acme"}
	for name, test := range map[string]struct {
		before, after client.Object
		wakes         bool
	}{
		"a budget counts pods":               {&policyv1.PodDisruptionBudget{ObjectMeta: meta("1")}, &policyv1.PodDisruptionBudget{ObjectMeta: meta("2"), Status: policyv1.PodDisruptionBudgetStatus{CurrentHealthy: 1}}, false},
		"somebody labels it":                 {&policyv1.PodDisruptionBudget{ObjectMeta: meta("1")}, labelled, true},
		"somebody changes its spec":          {&policyv1.PodDisruptionBudget{ObjectMeta: meta("1")}, specified, true},
		"a Secret has no generation":         {&corev1.Secret{ObjectMeta: plain}, &corev1.Secret{ObjectMeta: plain}, true},
		"a pod of a set is ready":            {&appsv1.StatefulSet{ObjectMeta: meta("1")}, &appsv1.StatefulSet{ObjectMeta: meta("2"), Status: appsv1.StatefulSetStatus{ReadyReplicas: 1}}, true},
		"a pod of a set is available":        {&appsv1.StatefulSet{ObjectMeta: meta("1")}, &appsv1.StatefulSet{ObjectMeta: meta("2"), Status: appsv1.StatefulSetStatus{AvailableReplicas: 1}}, false},
		"a Job has a pod":                    {&batchv1.Job{ObjectMeta: meta("1")}, &batchv1.Job{ObjectMeta: meta("2"), Status: batchv1.JobStatus{Active: 1}}, false},
		"a Job is complete":                  {&batchv1.Job{ObjectMeta: meta("1")}, &batchv1.Job{ObjectMeta: meta("2"), Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}}, true},
		"cert-manager begins to issue":       {certificate(), certificate(issuing), false},
		"cert-manager cannot issue":          {certificate(issuing), certificate(failed), true},
		"cert-manager has issued":            {certificate(issuing), certificate(ready), true},
		"a certificate is not ready anymore": {certificate(ready), certificate(issuing), true},
	} {
		if wakes := waking.Changed(test.before, test.after); wakes != test.wakes {
			t.Errorf("%s: wakes %v, want %v", name, wakes, test.wakes)
		}
	}
}

// TestWhatWasWrittenOverIsNotLookedAt: a lagging cache shows an object as it was.
func TestWhatWasWrittenOverIsNotLookedAt(t *testing.T) {
	at := func(version string) client.Object { return &corev1.Secret{ObjectMeta: meta(version)} }
	var stale waking.Stale
	if _, is := stale.Read(at("1")); is {
		t.Error("stale, although nothing was written")
	}
	stale.Wrote(at("1"), at("2"))
	stale.Wrote(at("2"), at("5"))
	for _, version := range []string{"1", "2"} {
		if again, is := stale.Read(at(version)); !is || again.RequeueAfter <= 0 {
			t.Errorf("version %s was written over, and is looked at: %v", version, again)
		}
	}
	if _, is := stale.Read(at("5")); is {
		t.Error("what was written itself is called stale")
	}
	stale.Wrote(at("5"), at("5"))
	if _, is := stale.Read(at("5")); is {
		t.Error("a write that changed nothing is waited for")
	}
}
