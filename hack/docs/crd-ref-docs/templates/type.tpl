{{- define "type" }}
## {{ .Name }}

{{ .Doc }}
{{ if .IsAlias }}
Type: {{ markdownRenderType .UnderlyingType }}
{{ end }}
{{- with .SortedReferences }}
Used by:{{ range $i, $t := . }}{{ if $i }},{{ end }} {{ markdownRenderTypeLink $t }}{{ end }}
{{ end }}
{{- if or .Validation (index .Markers "kubebuilder:validation:XValidation") }}
Checks: {{ template "checks" . }}
{{ end }}
{{- with .EnumValues }}
| Value | Meaning |
| --- | --- |
{{- range . }}
| `{{ .Name }}` | {{ template "cell" .Doc }} |
{{- end }}
{{ end }}
{{- with .Members }}
| Field | Type | Meaning | Checks |
| --- | --- | --- | --- |
{{- range . }}
| `{{ .Name }}` | {{ markdownRenderType .Type }} | {{ if eq .Name "metadata" }}name, namespace, labels and annotations.{{ else }}{{ template "cell" .Doc }}{{ end }} | {{ template "checks" . }} |
{{- end }}
{{ end }}
{{- end -}}

{{- /* checks joins the schema's bounds and the messages of the CEL rules; what is optional needs no word. */ -}}
{{- define "checks" -}}
{{- $said := list -}}
{{- range .Validation -}}
  {{- if eq . "Required: {}" }}{{ $said = prepend $said "required" -}}
  {{- else if ne . "Optional: {}" }}{{ $said = append $said . }}{{ end -}}
{{- end -}}
{{- range index .Markers "kubebuilder:validation:XValidation" }}{{ $said = append $said .Message }}{{ end -}}
{{- template "cell" (join "; " $said) -}}
{{- end -}}

{{- /* cell makes prose fit between the bars of a Markdown table. */ -}}
{{- define "cell" -}}
{{ . | replace "<br />" " " | replace "\n" " " | replace "|" "\\|" | trim }}
{{- end -}}
