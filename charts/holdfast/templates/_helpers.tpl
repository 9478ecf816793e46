{{- /* The operator's image. A digest names the bytes, so that it counts more than a tag. */ -}}
{{- define "holdfast.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end -}}
{{- end -}}

{{- /* Labels that a release adds to every object of it. */ -}}
{{- define "holdfast.labels" -}}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{- /* Arguments of the manager, as JSON. What flags says comes last and counts. */ -}}
{{- define "holdfast.arguments" -}}
{{- $arguments := list "--leader-elect" "--health-probe-bind-address=:8081" -}}
{{- with .Values.watchNamespaces }}{{ $arguments = append $arguments (printf "--watch-namespaces=%s" (join "," .)) }}{{ end -}}
{{- with .Values.shardSelector }}{{ $arguments = append $arguments (printf "--shard-selector=%s" .) }}{{ end -}}
{{- with .Values.clusterID }}{{ $arguments = append $arguments (printf "--cluster-id=%s" .) }}{{ end -}}
{{- if eq .Values.scope "Namespaced" }}{{ $arguments = append $arguments "--tenant-role=role/holdfast-tenant-namespace" }}{{ end -}}
{{- if or (not .Values.metrics.enabled) (eq .Values.scope "Namespaced") }}{{ $arguments = append $arguments "--metrics-bind-address=0" }}{{ end -}}
{{- range $name, $value := .Values.flags -}}
{{- $arguments = append $arguments (printf "--%s=%s" $name (ternary $value (toJson $value) (kindIs "string" $value))) -}}
{{- end -}}
{{- toJson $arguments -}}
{{- end -}}
