package summary

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// links are those to what a job was about: the commit, what changed since the version
// before, the run, the dashboard. On a machine without a runner there are none.
func (r *Record) links(run gha.Run) string {
	var links []string
	add := func(title, to string) {
		if to != "" {
			links = append(links, "["+title+"]("+to+")")
		}
	}
	if p := r.plan; p != nil {
		before, after := tag(p.PreviousImage), tag(p.Image)
		if run.Tag != "" && after == run.Tag && before != after && versions.MatchString(before) && versions.MatchString(after) {
			add("Changes since "+md(before), run.Compare(before, after))
		}
	}
	add("Commit", run.CommitPage())
	add("Run", run.Page())
	if links == nil {
		return ""
	}
	add("Dashboard", "https://pipecat.daily.co")
	return strings.Join(links, " · ") + "\n\n"
}

// versions are the tags that people give to versions, so that the one before is likely
// to be a tag of the same repository.
var versions = regexp.MustCompile(`^v?\d+(\.\d+)*([-+.][\w.+-]+)?$`)

// wayBack says how a person puts the version before back: the same action, with what
// the update changed as it was.
func (r *Record) wayBack() string {
	if r.green() || len(r.problems) > 0 || !r.revertible() {
		return ""
	}
	var inputs strings.Builder
	first := "" // what inputs cannot do
	for _, c := range r.plan.Reversal {
		if c.FileOnly {
			first += fmt.Sprintf("Set `[%s]` in the config file back to %s.\n\n", c.Name, code(r.line(c.After)))
			continue
		}
		fmt.Fprintf(&inputs, "%s: %s\n", c.Name, quoteYAML(r.line(c.After)))
	}
	for _, why := range r.plan.Lasting {
		first += "Not put back: " + md(r.line(why)) + ".\n\n"
	}
	if r.plan.RevertNeedsBuild {
		first += "The API does not report which build ran before; `pipecat cloud build list` lists builds.\n\n"
		inputs.WriteString("build-id: # the build that ran before\n")
	}
	if inputs.Len() == 0 && first == "" {
		return ""
	}
	return first + "Deploy again with these inputs, from the roll-back workflow or any step that uses this action:\n\n" +
		fenceOf("yaml", "agent-name: "+quoteYAML(r.agent)+"\n"+inputs.String()) + "\n"
}

// revertible reports whether there is a deployment of this job's that a person may
// want to replace by the one before.
func (r *Record) revertible() bool {
	switch {
	case r.plan == nil, !r.isNew():
		return false
	case r.status == verdict.Superseded, r.status == verdict.RolledBack:
		return false
	case r.status == verdict.Cancelled && r.revert != nil: // the rollback may be under way
		return false
	}
	return !r.failure.Rollback.Superseded()
}

var plainYAML = regexp.MustCompile(`^[A-Za-z0-9][\w./:@+-]*$`)

// quoteYAML is a text as YAML has it, and one text whatever is in it.
func quoteYAML(s string) string {
	if s = untrusted.Cut(s, maxCell); plainYAML.MatchString(s) && !strings.HasSuffix(s, ":") {
		return s
	}
	return "'" + strings.ReplaceAll(cmp.Or(s, ""), "'", "''") + "'"
}
