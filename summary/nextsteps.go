package summary

import (
	"fmt"
	"regexp"
	"strings"

	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// nextSteps lists commands to paste after a red job.
//
// https://docs.pipecat.ai/api-reference/cli/cloud/agent
func (r *Record) nextSteps(run gha.Run) string {
	if r.green() || len(r.problems) > 0 {
		return ""
	}
	var b strings.Builder
	command := func(what string, words ...string) {
		for i := range words {
			words[i] = shell(r.line(words[i]))
		}
		fmt.Fprintf(&b, "# %s\n%s\n", what, strings.Join(words, " "))
	}
	if r.failure.Reason == verdict.Build && r.build != "" {
		command("what the build printed", "pipecat", "cloud", "build", "logs", r.build)
	}
	if r.accepted != nil {
		command("how the agent is now", "pipecat", "cloud", "agent", "status", r.agent)
		command("what it prints", "pipecat", "cloud", "agent", "logs", r.agent)
	}
	if r.revertible() && r.change.RevertRequest != "" {
		what := "back to what ran before"
		if r.change.RevertNeedsBuild {
			what = "back to a build that ran before, which this lists: pipecat cloud build list"
		}
		fmt.Fprintf(&b, "# %s\ncurl -H \"Authorization: Bearer $PIPECAT_CLOUD_API_KEY\" -H 'Content-Type: application/json' \\\n  -d %s %s\n",
			what, shell(r.line(r.change.RevertRequest)), shell(r.line(r.asked.APIURL+"/agents/"+r.agent)))
	}
	if digits.MatchString(run.ID) && r.failure.Reason.MayPass() {
		command("this job again", "gh", "run", "rerun", run.ID, "--failed", "--repo", run.Repository)
	}
	if b.Len() == 0 {
		return ""
	}
	return "What may come next:\n\n" + fenceOf("sh", b.String()) + "\n"
}

// revertible reports whether there is a deployment of this job's that a person may
// want to replace by the one before.
func (r *Record) revertible() bool {
	switch {
	case r.change == nil, r.accepted == nil, r.accepted.ID == r.accepted.Previous:
		return false
	case r.status == verdict.Superseded, r.status == verdict.RolledBack:
		return false
	case r.status == verdict.Cancelled && r.revert != nil: // the rollback may be under way
		return false
	}
	return !r.failure.Rollback.Superseded()
}

var (
	digits = regexp.MustCompile(`^\d{1,20}$`) // a run's id
	word   = regexp.MustCompile(`^[\w./:-]+$`)
)

// shell is a word for a shell, and one word whatever is in it.
func shell(s string) string {
	if s = untrusted.Cut(s, maxCell); word.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
