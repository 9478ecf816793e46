package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
)

// follow prints each condition as it turns, until the tenant is Ready.
func (d *demo) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyDeadline)
	defer cancel()
	told := map[string]string{}
	for {
		tenant := &v1alpha1.IdentityTenant{}
		if err := d.cluster.Get(ctx, d.product.tenant, tenant); err != nil {
			return err
		}
		d.tellStores(ctx, told)
		for _, condition := range tenant.Status.Conditions {
			d.tell(told, condition.Type, condition)
		}
		if apimeta.IsStatusConditionTrue(tenant.Status.Conditions, v1alpha1.ConditionReady) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not Ready within %s: %w", d.product.tenant.Name, readyDeadline, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (d *demo) tellStores(ctx context.Context, told map[string]string) {
	var stores v1alpha1.KeystoreList
	if err := d.cluster.List(ctx, &stores, client.InNamespace(d.product.tenant.Namespace)); err != nil {
		return // the next look tells
	}
	for _, store := range stores.Items {
		if ready := apimeta.FindStatusCondition(store.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status == metav1.ConditionTrue {
			d.tell(told, "Keystore "+store.Name, *ready)
		}
	}
}

func (d *demo) tell(told map[string]string, name string, condition metav1.Condition) {
	text := fmt.Sprintf("%-28s %-7s %-20s %s", name, condition.Status, condition.Reason, shorten(condition.Message, 110))
	if told[name] != text {
		told[name] = text
		d.say("%s", strings.TrimSpace(text))
	}
}

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// tree prints what now exists, the conditions, and what of it all is simulated.
func (d *demo) tree(ctx context.Context) error {
	tenant := &v1alpha1.IdentityTenant{}
	if err := d.cluster.Get(ctx, d.product.tenant, tenant); err != nil {
		return err
	}
	fmt.Printf("\nIdentityTenant %s\n", d.product.tenant)
	for _, kind := range shownKinds() {
		list := kind.list
		if err := d.cluster.List(ctx, list, client.InNamespace(d.product.tenant.Namespace)); err != nil {
			return err
		}
		lines, err := d.lines(list, kind.describe)
		if err != nil {
			return err
		}
		for _, line := range lines {
			fmt.Printf("├─ %-20s %s\n", kind.name, line)
		}
	}
	fmt.Printf("└─ Vault                %s\n\n", "secret/holdfast/"+d.product.tenant.Namespace+"/…: every generated secret")
	conditions := slices.Clone(tenant.Status.Conditions)
	fmt.Printf("%-20s %-8s %-22s %s\n", "CONDITION", "STATUS", "REASON", "MESSAGE")
	for _, condition := range conditions {
		fmt.Printf("%-20s %-8s %-22s %s\n", condition.Type, condition.Status, condition.Reason, shorten(condition.Message, 90))
	}
	for _, realm := range tenant.Status.Realms {
		for _, gap := range realm.NotEnforceable {
			fmt.Printf("not enforceable in realm %s: %s\n", realm.Name, gap)
		}
	}
	fmt.Print(d.product.truth)
	d.say("%s is Ready", d.product.tenant.Name)
	return nil
}
