{{/* Labels of an object. Takes (dict "root" . "name" NAME). */}}
{{- define "verger.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "verger.labels" -}}
{{ include "verger.selector" . }}
app.kubernetes.io/part-of: verger
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "verger.image" -}}
image: {{ printf "%s/verger-%s:%s" .root.Values.image.registry .name (.root.Values.image.tag | default .root.Chart.AppVersion) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
{{- end }}

{{/* Who the processes are: nobody, who may write nowhere but into volumes. */}}
{{- define "verger.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false # in a release named verger, they would be variables such as VERGER_WEB_PORT
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "verger.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "verger.mlflow" -}}
{{ .Values.mlflow.url | default (printf "http://%s-mlflow:5000" .Release.Name) }}
{{- end }}
