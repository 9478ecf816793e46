package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// The parts of SARIF 2.1.0 (OASIS) that findings need.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID               string         `json:"id"`
		ShortDescription sarifText      `json:"shortDescription"`
		FullDescription  *sarifText     `json:"fullDescription,omitempty"`
		Properties       map[string]any `json:"properties,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region *sarifRegion `json:"region,omitempty"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifLogical struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
	}
)

// SARIF writes findings for code scanning. The rules are the catalogue's controls that a
// file can break, and what else was found.
func SARIF(out io.Writer, report Report, catalogue control.Catalogue) error {
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: make([]sarifRun, 1)}
	run := &log.Runs[0]
	run.Tool.Driver.Name = "holdfast"
	run.Tool.Driver.Rules = []sarifRule{}
	run.Results = []sarifResult{}
	at := map[string]int{}
	add := func(id, title, why string, standards []string) {
		if _, there := at[id]; there {
			return
		}
		rule := sarifRule{ID: id, ShortDescription: sarifText{title}}
		if why != "" {
			rule.FullDescription = &sarifText{why}
		}
		if len(standards) > 0 {
			rule.Properties = map[string]any{"tags": standards}
		}
		at[id] = len(run.Tool.Driver.Rules)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	for _, c := range catalogue {
		if len(c.Checks) > 0 {
			add(c.ID, c.Title, c.Why, c.Standards)
		}
	}
	for _, f := range report.Findings {
		add(f.ID, f.Title, f.Why, f.Standards)
		run.Results = append(run.Results, f.sarif(at[f.ID]))
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(log)
}

func (f Finding) sarif(rule int) sarifResult {
	message := f.Key + " is " + f.Found + "."
	if f.Wanted != "" {
		message += " Wanted: " + f.Wanted + "."
	}
	level := map[Level]string{Weak: "error", Note: "note"}[f.Level]
	// A line moves when a file is edited; what was found does not.
	sum := sha256.Sum256([]byte(strings.Join([]string{f.ID, f.File, f.Object, f.Key}, "\n")))
	result := sarifResult{RuleID: f.ID, RuleIndex: rule, Level: level, Message: sarifText{message + " Fix: " + f.Fix + "."},
		Locations: make([]sarifLocation, 1), Fingerprints: map[string]string{"holdfast/v1": hex.EncodeToString(sum[:8])}}
	location := &result.Locations[0]
	location.Physical.Artifact.URI = (&url.URL{Path: filepath.ToSlash(f.File)}).String()
	if f.Line > 0 {
		location.Physical.Region = &sarifRegion{f.Line}
	}
	if f.Object != "" {
		location.Logical = []sarifLogical{{f.Object}}
	}
	return result
}
