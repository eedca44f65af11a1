{{/* What a pod needs for a native sidecar, as a part of its template. */}}
{{- define "telemetry-auditor.sidecar" -}}
metadata:
  labels:
    telemetry-auditor/scrape: "true"
spec:
  initContainers:
    # restartPolicy makes it a sidecar: it starts before the application and ends after it.
    # No startup and no readiness probe: an auditor that fails while it runs does not disturb the pod.
    - name: telemetry-auditor
      image: {{ include "telemetry-auditor.image" . }}
      restartPolicy: Always
      args: [run, --config, /etc/telemetry-auditor/auditor.yaml]
      env:
        - name: POD_IP
          valueFrom: {fieldRef: {fieldPath: status.podIP}}
        # OTLP stays on the loopback address. The admin port is not 9464, which OpenTelemetry's own
        # Prometheus exporter takes in the application. With IPv6 alone: "[$(POD_IP)]:19464".
        - name: TELEMETRY_AUDITOR_ADMIN_ADDRESS
          value: "$(POD_IP):19464"
        # One application sends: what it may have in flight fits into the limit of memory.
        - {name: TELEMETRY_AUDITOR_GRPC_MAX_BYTES, value: "8388608"}
        - {name: TELEMETRY_AUDITOR_HTTP_MAX_BYTES, value: "8388608"}
        - {name: TELEMETRY_AUDITOR_ADMISSION_MAX_BYTES_IN_FLIGHT, value: "67108864"}
      ports:
        - {name: auditor-admin, containerPort: 19464}
      livenessProbe:
        httpGet: {path: /livez, port: auditor-admin}
        {{- toYaml .Values.livenessProbe | nindent 8 }}
      resources:
        requests: {cpu: 50m, memory: 128Mi}
        limits: {memory: 384Mi}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
        seccompProfile: {type: RuntimeDefault}
      volumeMounts:
        {{- include "telemetry-auditor.volumeMounts" . | nindent 8 }}
  containers:
    - name: your-application
      env:
        - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://127.0.0.1:4317"}
        - {name: OTEL_EXPORTER_OTLP_PROTOCOL, value: grpc}
  volumes:
    {{- include "telemetry-auditor.volumes" . | nindent 4 }}
{{- end -}}
