package resolve

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/holdfast-iam/holdfast/api/v1alpha1"
	"github.com/holdfast-iam/holdfast/internal/tenant"
)

const (
	defaultLogFileSize = 10 << 20
	defaultLogFileKeep = 20
)

// logs resolves a policy, nil being the default one: JSON on standard output.
func logs(policy *v1alpha1.LogPolicy) tenant.Logs {
	streams := v1alpha1.LogStreams{}
	resolved := tenant.Logs{Access: true}
	if policy != nil {
		resolved.Policy = policy.Name
		if policy.Spec.Streams != nil {
			streams = *policy.Spec.Streams
		}
		for _, pattern := range policy.Spec.Masking {
			resolved.Masking = append(resolved.Masking, tenant.MaskingPattern{Name: pattern.Name, Pattern: pattern.Pattern})
		}
	}
	slices.SortFunc(resolved.Masking, func(a, b tenant.MaskingPattern) int { return strings.Compare(a.Name, b.Name) })
	resolved.Server = stream(streams.Server, "WARN")
	resolved.Audit = stream(streams.Audit, "INFO")
	if streams.Access != nil && streams.Access.Enabled != nil {
		resolved.Access = *streams.Access.Enabled
	}
	return resolved
}

func stream(declared *v1alpha1.LogStream, level string) tenant.LogStream {
	resolved := tenant.LogStream{Level: level, JSON: true}
	if declared == nil {
		return resolved
	}
	if declared.Level != "" {
		resolved.Level = declared.Level
	}
	resolved.JSON = declared.Format != v1alpha1.LogText
	if file := declared.File; file != nil {
		resolved.File = &tenant.LogFile{MaxSizeBytes: defaultLogFileSize, Keep: defaultLogFileKeep}
		if file.MaxSize != "" {
			size := resource.MustParse(file.MaxSize) // the schema's pattern admits quantities only
			resolved.File.MaxSizeBytes = size.Value()
		}
		if file.Keep != nil {
			resolved.File.Keep = *file.Keep
		}
	}
	return resolved
}
