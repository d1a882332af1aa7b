package summary

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"pipecat-cloud-deploy/internal/verdict"
)

// next lists commands to paste after a red job.
//
// https://docs.pipecat.ai/api-reference/cli/cloud/agent
func (r *Report) next(v verdict.Verdict) string {
	if v.Status.OK() || len(r.problems) > 0 {
		return ""
	}
	var b strings.Builder
	tell := func(what string, words ...string) {
		for i := range words {
			words[i] = shell(r.line(words[i]))
		}
		fmt.Fprintf(&b, "# %s\n%s\n", what, strings.Join(words, " "))
	}
	if v.Reason == verdict.Build && r.build != "" {
		tell("what the build printed", "pipecat", "cloud", "build", "logs", r.build)
	}
	if r.taken != nil {
		tell("how the agent is now", "pipecat", "cloud", "agent", "status", r.agent)
		tell("what it prints", "pipecat", "cloud", "agent", "logs", r.agent)
	}
	if r.offersBack(v) {
		if what, body := r.byHand(); body != "" {
			fmt.Fprintf(&b, "# %s\ncurl -H \"Authorization: Bearer $PIPECAT_CLOUD_API_KEY\" -H 'Content-Type: application/json' \\\n  -d %s %s\n",
				what, shell(r.line(body)), shell(r.line(r.api+"/agents/"+r.agent)))
		}
	}
	if run := r.getenv("GITHUB_RUN_ID"); digits.MatchString(run) && outside(v.Reason) {
		tell("this job again", "gh", "run", "rerun", run, "--failed", "--repo", r.getenv("GITHUB_REPOSITORY"))
	}
	if b.Len() == 0 {
		return ""
	}
	return "What may come next:\n\n" + fenceOf("sh", b.String()) + "\n"
}

// byHand is what an update has to ask for to put back what ran before; "" when
// there is nothing that would.
func (r *Report) byHand() (what, body string) {
	settings, _, err := r.change.Reverse()
	what = "back to what ran before"
	switch {
	case err != nil && r.change.OfBuild():
		what, settings.BuildID = "back to a build that ran before, which this lists: pipecat cloud build list", "BUILD_ID"
	case err != nil:
		return "", ""
	}
	data, _ := json.Marshal(settings) // texts and numbers, which never fail
	return what, string(data)
}

// offersBack reports whether what ran before may be put back by hand.
func (r *Report) offersBack(v verdict.Verdict) bool {
	switch {
	case r.taken == nil, r.taken.Unchanged(), v.Status == verdict.Superseded, v.Status == verdict.RolledBack:
		return false
	case v.Status == verdict.Cancelled && r.undo != nil: // it may be under way
		return false
	}
	return v.Rollback == nil || v.Rollback.Status != verdict.Superseded
}

// outside reports whether the same may succeed later, without a new commit.
func outside(r verdict.Reason) bool {
	switch r {
	case verdict.API, verdict.Auth, verdict.Refused, verdict.ImagePull, verdict.Infrastructure, verdict.NotScheduled, verdict.Replaced, verdict.Stopped:
		return true
	}
	return false
}

var (
	digits = regexp.MustCompile(`^\d{1,20}$`) // a run's id
	word   = regexp.MustCompile(`^[\w./:-]+$`)
)

// shell is a word for a shell, and one word whatever is in it.
func shell(s string) string {
	if s = cut(s, maxCell); word.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
