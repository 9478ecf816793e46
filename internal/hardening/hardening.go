// Package hardening judges what a tenant would become by the catalogue of controls. The
// operator can ask it before anything rolls, and holdfast lint asks it without a cluster,
// so that both say the same. It is pure.
package hardening

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/holdfast-iam/holdfast/internal/control"
	"github.com/holdfast-iam/holdfast/internal/control/evidence"
	"github.com/holdfast-iam/holdfast/internal/idp"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

// Verdict is what became of a control, over all realms.
type Verdict struct {
	Control control.Control
	Outcome control.Outcome
	// Findings tell why it is not met: those of the server first, then by realm.
	Findings []Finding
}

// Finding is a value that is weaker than wanted.
type Finding struct {
	control.Finding
	// Realm that it is a setting of; empty: the whole server.
	Realm string
}

// Target is what a tenant asks to be judged as.
func Target(want tenant.Spec) control.Target {
	return control.Target{Product: string(want.Product), Version: want.Version.String(), Profile: want.Profile}
}

// Documents flattens what a driver renders for a tenant, its files and its pods, and which version
// that is for. Files that no control knows are passed over. Faults are those of the driver.
func Documents(driver idp.Driver, want tenant.Spec, seen tenant.Facts) (control.Evidence, error) {
	files, err := driver.Config(want, seen)
	if err != nil {
		return nil, err
	}
	// What the Secret with the files is called, no control asks.
	objects, err := driver.Workload(want, seen, want.Name)
	if err != nil {
		return nil, err
	}
	documents, err := flatten(files)
	if err != nil {
		return nil, fmt.Errorf("read what was rendered: %w", err)
	}
	documents[control.Tenant] = map[string][]string{"spec.product." + string(want.Product) + ".version": {want.Version.String()}}
	for _, object := range objects {
		if set, ok := object.(*appsv1.StatefulSet); ok {
			pod, err := evidence.Pod(set.Spec.Template)
			if err != nil {
				return nil, err
			}
			maps.Copy(documents, pod)
		}
	}
	return documents, nil
}

func flatten(files idp.Files) (control.Evidence, error) {
	documents := control.Evidence{}
	for _, document := range []struct {
		name control.Document
		read func([]byte) (evidence.File, error)
	}{{control.Deployment, evidence.TOML}, {control.Log, evidence.Properties}, {control.KeycloakConf, evidence.Keycloak}} {
		content, rendered := files[string(document.name)]
		if !rendered {
			continue
		}
		file, err := document.read(content)
		if err != nil {
			return nil, err
		}
		maps.Copy(documents, file.Evidence())
	}
	for name, content := range files {
		store, ok := strings.CutPrefix(name, string(control.UserStores)+".")
		if !ok {
			continue
		}
		file, err := evidence.UserStore(strings.TrimSuffix(store, ".xml"), content)
		if err != nil {
			return nil, err
		}
		if documents[control.UserStores] == nil {
			documents[control.UserStores] = map[string][]string{}
		}
		maps.Copy(documents[control.UserStores], file.Values)
	}
	return documents, nil
}

// Judge holds the documents of a server and the settings of its realms against every
// control. A control is as weak as its weakest realm. Verdicts are in the catalogue's order.
func Judge(catalogue control.Catalogue, target control.Target, documents control.Evidence, settings tenant.Settings) []Verdict {
	verdicts := make([]Verdict, len(catalogue))
	for i, verdict := range catalogue.Judge(target, documents) {
		verdicts[i] = Verdict{Control: verdict.Control, Outcome: verdict.Outcome}
		verdicts[i].add("", verdict.Findings)
	}
	for _, realm := range slices.Sorted(maps.Keys(settings)) {
		values := make(map[string][]string, len(settings[realm]))
		for setting, value := range settings[realm] {
			values[string(setting)] = []string{value}
		}
		for i, verdict := range catalogue.Judge(target, control.Evidence{control.Settings: values}) {
			verdicts[i].Outcome = Worse(verdicts[i].Outcome, verdict.Outcome)
			verdicts[i].add(realm, verdict.Findings)
		}
	}
	return verdicts
}

func (v *Verdict) add(realm string, findings []control.Finding) {
	for _, finding := range findings {
		v.Findings = append(v.Findings, Finding{finding, realm})
	}
}

// Worse gives the outcome that counts when a control was judged twice: a weakness, then
// what was met. Not judged, or not applicable, is only what nothing judged.
func Worse(a, b control.Outcome) control.Outcome {
	order := []control.Outcome{"", control.NotApplicable, control.NotJudged, control.Met, control.Weak}
	if cmp.Compare(slices.Index(order, a), slices.Index(order, b)) < 0 {
		return b
	}
	return a
}
