package summary

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"pipecat-cloud-deploy/internal/verdict"
)

const maxOutput = 4 << 10 // a value; the runner takes 1 MB a job

// Output is one that the action sets, on every path.
type Output struct {
	Name string
	Text string // for action.yml and the README

	value func(*Report, verdict.Verdict) string
}

// Outputs lists them in the order in which users read them.
func Outputs() []Output {
	return []Output{
		{"status", "What the job came to: `ready`, `deployed`, `unchanged`, `planned`, `failed`, `timed-out`, `superseded`, `cancelled` or `rolled-back`.",
			func(_ *Report, v verdict.Verdict) string { return string(v.Status) }},
		{"deployment-id", "Id of the deployment that this job made, or that was already there.",
			func(r *Report, _ verdict.Verdict) string { return r.deployment }},
		{"previous-deployment-id", "Id of the deployment before.",
			func(r *Report, _ verdict.Verdict) string { return r.previous }},
		{"agent-name", "Name of the agent.",
			func(r *Report, _ verdict.Verdict) string { return r.agent }},
		{"service-name", "The same as `agent-name`, for workflows that move over.",
			func(r *Report, _ verdict.Verdict) string { return r.agent }},
		{"region", "Region of the agent.",
			func(r *Report, _ verdict.Verdict) string { return r.region }},
		{"image", "Image that was deployed; empty for a build, and when only settings change.",
			func(r *Report, _ verdict.Verdict) string { return r.image }},
		{"build-id", "Id of the build that was deployed.",
			func(r *Report, _ verdict.Verdict) string { return r.build }},
		{"ready-replicas", "Ready replicas of the new revision when the job ended.",
			func(r *Report, _ verdict.Verdict) string {
				if r.document == nil {
					return ""
				}
				return fmt.Sprint(r.look.Ready)
			}},
		{"duration", "Seconds that the job took.",
			func(r *Report, _ verdict.Verdict) string { return fmt.Sprint(int(r.took().Seconds())) }},
		{"failure-reason", "Why the job is red, in a word, such as `crash`; empty when it is green.",
			func(_ *Report, v verdict.Verdict) string { return string(v.Reason) }},
		{"failure-message", "Why the job is red, in a sentence; empty when it is green.",
			func(_ *Report, v verdict.Verdict) string {
				if v.Rollback != nil {
					return v.Message + " – " + v.Rollback.Message
				}
				return v.Message
			}},
	}
}

// outputs renders every output for the runner's file.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#multiline-strings
func (r *Report) outputs(v verdict.Verdict) string {
	var b strings.Builder
	for _, o := range Outputs() {
		value := r.output(o, v)
		// A delimiter that nobody can know beforehand cannot be forged; it is
		// checked all the same.
		end := rand.Text()
		for strings.Contains(value, end) {
			end = rand.Text()
		}
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", o.Name, end, value, end)
	}
	return b.String()
}

// output is the value of one.
func (r *Report) output(o Output, v verdict.Verdict) string {
	return cut(r.line(o.value(r, v)), maxOutput)
}

// jsonOutputs renders every output as JSON, in their order, a line each.
func (r *Report) jsonOutputs(v verdict.Verdict) string {
	var lines []string
	for _, o := range Outputs() {
		var value strings.Builder
		encoder := json.NewEncoder(&value)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(r.output(o, v))
		lines = append(lines, fmt.Sprintf("  %q: %s", o.Name, strings.TrimSpace(value.String())))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}\n"
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
