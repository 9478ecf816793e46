package main

import (
	"bytes"
	"debug/buildinfo"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// sbomType is the media type of a bill of materials, and the type of the artifact that carries it.
const sbomType = "application/vnd.cyclonedx+json"

// sbom lists the modules that are in a program, by what the linker wrote into it, and the Go version.
func sbom(program []byte, platform v1.Platform, o origin) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("read the modules of the program for %s: %w", platform, err)
	}
	self := component(cdx.ComponentTypeApplication, info.Main.Path, o.version)
	self.Licenses = &cdx.Licenses{{License: &cdx.License{ID: licenses}}}
	parts := []cdx.Component{component(cdx.ComponentTypeLibrary, "stdlib", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, module := range info.Deps {
		parts = append(parts, library(module))
	}
	needed := make([]string, 0, len(parts))
	for _, part := range parts {
		needed = append(needed, part.BOMRef)
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Timestamp: o.at.Format(time.RFC3339), Component: &self, Properties: &[]cdx.Property{{Name: "holdfast:platform", Value: platform.String()}}}
	bom.Components = &parts
	bom.Dependencies = &[]cdx.Dependency{{Ref: self.BOMRef, Dependencies: &needed}}
	var out bytes.Buffer
	if err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// library is a module as it was linked: a replaced one is what replaced it.
func library(module *debug.Module) cdx.Component {
	if module.Replace != nil {
		module = module.Replace
	}
	return component(cdx.ComponentTypeLibrary, module.Path, module.Version)
}

func component(kind cdx.ComponentType, path, version string) cdx.Component {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cdx.Component{BOMRef: url, Type: kind, Name: path, Version: version, PackageURL: url}
}
