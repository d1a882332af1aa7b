package summary

import (
	"encoding/json"
	"fmt"
	"strings"

	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/untrusted"
)

const maxOutput = 4 << 10 // a value; the runner takes 1 MB a job

// Output is one that the action sets, on every path: its name and its value.
type Output = gha.Output

// OutputRow is a row of the table of outputs.
type OutputRow struct {
	Name string
	Text string // what it is, in Markdown

	value func(*Record) string
}

// OutputTable has every output, in the order in which users read them.
func OutputTable() []OutputRow {
	return []OutputRow{
		{"status", "Final result: `ready`, `deployed`, `unchanged`, `planned`, `checked`, `failed`, `timed-out`, `superseded`, `cancelled` or `rolled-back`.",
			func(r *Record) string { return string(r.status) }},
		{"deployment-id", "ID of the deployment that this job made, or of the current one with `unchanged` and `checked`; else empty.",
			func(r *Record) string { return r.deploymentID }},
		{"previous-deployment-id", "ID of the previous deployment.",
			func(r *Record) string { return r.previous }},
		{"agent-name", "Name of the agent.",
			func(r *Record) string { return r.agent }},
		{"service-name", "Same as `agent-name`, for workflows written for daily-co's action.",
			func(r *Record) string { return r.agent }},
		{"region", "Region of the agent.",
			func(r *Record) string { return r.region }},
		{"image", "Image that the job was to deploy; empty for a build and when only settings change.",
			func(r *Record) string { return r.image }},
		{"build-id", "ID of the build that was deployed.",
			func(r *Record) string { return r.build }},
		{"previous-image", "Image of the previous deployment; empty when the API doesn't report it.",
			func(r *Record) string {
				if r.plan == nil {
					return ""
				}
				return r.plan.PreviousImage
			}},
		{"changed", "`true` if a new deployment was made or the scaling changed, else `false`.",
			func(r *Record) string {
				made := r.isNew() || r.accepted != nil && r.plan != nil && r.plan.ScalingOnly
				return fmt.Sprint(made)
			}},
		{"test-call", "Result of the test call: `answered`, `no-answer` or `unproven`; empty without one.",
			func(r *Record) string {
				if r.called == nil {
					return ""
				}
				return string(r.called.Answer)
			}},
		{"answer-time", "Seconds from the connection of the test call to the agent's first sound.",
			func(r *Record) string { answer, _ := r.callTimes(); return answer }},
		{"response-time", "Seconds from the end of `test-call-say` to the agent's answer.",
			func(r *Record) string { _, response := r.callTimes(); return response }},
		{"session-id", "ID of the test call's session; empty where the platform gave none.",
			func(r *Record) string {
				if r.called == nil {
					return ""
				}
				return r.called.Session
			}},
		{"ready-replicas", "Ready replicas of the new version when the job ended.",
			func(r *Record) string {
				if !r.observed {
					return ""
				}
				return fmt.Sprint(r.rollout.Ready)
			}},
		{"duration", "Duration of the job in seconds.",
			func(r *Record) string { return fmt.Sprint(int(r.took().Seconds())) }},
		{"failure-reason", "Why the job failed, such as `crash`; empty when it is green.",
			func(r *Record) string { return string(r.failure.Reason) }},
		{"failure-message", "The cause in one line; empty when the job is green.",
			func(r *Record) string {
				if back := r.failure.Rollback; back != nil {
					return r.failure.Message + " – " + back.Message
				}
				return r.failure.Message
			}},
	}
}

// Outputs are those of one agent's job.
func Outputs(r *Record) (outputs []Output) {
	r = r.settled()
	for _, row := range OutputTable() {
		outputs = append(outputs, Output{Name: row.Name, Value: untrusted.Cut(r.line(row.value(r)), maxOutput)})
	}
	return outputs
}

// JSON renders the outputs as a JSON object, in their order, a line each.
func JSON(r *Record) string {
	var lines []string
	for _, o := range Outputs(r) {
		var value strings.Builder
		encoder := json.NewEncoder(&value)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(o.Value) // a text, which never fails
		lines = append(lines, fmt.Sprintf("  %q: %s", o.Name, strings.TrimSpace(value.String())))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}\n"
}
