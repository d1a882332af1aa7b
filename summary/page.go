package summary

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"pipecat-cloud-deploy/crash"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/verdict"
)

const (
	maxHeadline = 300
	maxCell     = 2 << 10   // a fact
	maxDetail   = 256 << 10 // a crash
	maxCode     = 500       // a line of source
	maxStages   = 100       // the last of them has all that follows
	maxSummary  = 1 << 20   // the runner drops a larger one whole
)

// page renders the job summary, in GitHub-flavoured Markdown.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
func (r *Report) page(v verdict.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", md(cut(r.headline(v), maxHeadline)))
	if text := r.serving(v); text != "" {
		fmt.Fprintf(&b, "**%s**\n\n", md(text))
	}
	for _, p := range r.problems {
		fmt.Fprintf(&b, "- %s\n", md(cut(r.line(p.String()), maxCell)))
	}
	r.source(&b)
	if v.Detail != "" {
		b.WriteString(fence(cutMiddle(v.Detail, maxDetail)) + "\n")
	}
	if r.why.Hint != "" {
		fmt.Fprintf(&b, "**What to do:** %s\n\n", r.line(r.why.Hint))
	}
	for _, reason := range verdict.Reasons() {
		if reason.Word == string(v.Reason) && len(r.problems) == 0 && r.why.Hint == "" {
			fmt.Fprintf(&b, "**What to do:** %s\n\n", reason.Text)
		}
	}
	for _, text := range r.notes {
		fmt.Fprintf(&b, "> %s\n\n", md(cut(text, maxCell)))
	}
	if r.change != nil {
		r.facts(&b, v)
	}
	r.phases(&b)
	r.plan(&b, v)
	if len(r.agentLog) > 0 {
		fmt.Fprintf(&b, "<details><summary>The agent's log, %s</summary>\n\n%s\n</details>\n",
			lastLines(len(r.agentLog)), fence(cutMiddle(strings.Join(r.agentLog, "\n"), maxDetail)))
	}
	if b.Len() < maxSummary {
		return b.String()
	}
	return fmt.Sprintf("## %s\n\nThe rest of this summary was too long for the page; the job's log has it.\n", md(cut(r.headline(v), maxHeadline)))
}

// source renders the user's own line that broke, with those around it.
func (r *Report) source(b *strings.Builder) {
	p := r.why.Place
	if p == nil {
		return
	}
	where := code(cut(r.line(p.File), maxCell))
	if link := r.link(p); link != "" {
		where = "[" + where + "](" + link + ")"
	}
	fmt.Fprintf(b, "%s, line %d:\n\n", where, p.Line)
	var lines strings.Builder
	for _, l := range p.Around {
		mark := " "
		if l.Number == p.Line {
			mark = "→"
		}
		fmt.Fprintf(&lines, "%s %4d  %s\n", mark, l.Number, cut(strings.ReplaceAll(r.block(l.Text), "\n", " "), maxCode))
	}
	b.WriteString(fence(lines.String()) + "\n")
}

// link is the address of a place in the commit that the job is of; "" when the
// runner does not name it.
func (r *Report) link(p *crash.Place) string {
	server, repository, commit := r.getenv("GITHUB_SERVER_URL"), r.getenv("GITHUB_REPOSITORY"), r.getenv("GITHUB_SHA")
	base, err := url.Parse(server)
	if err != nil || base.Scheme != "https" || repository == "" || commit == "" {
		return ""
	}
	to := base.JoinPath(repository, "blob", commit, p.File)
	to.Fragment = fmt.Sprintf("L%d", p.Line)
	return strings.NewReplacer("(", "%28", ")", "%29").Replace(to.String())
}

// facts renders the table of what was deployed where.
func (r *Report) facts(b *strings.Builder, v verdict.Verdict) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "| %s | %s |\n", name, value)
		}
	}
	fact := func(s string) string { return code(cut(r.line(s), maxCell)) }
	some := func(s string) string {
		if s == "" {
			return ""
		}
		return fact(s)
	}

	// GitHub's tables must have a header; the agent makes a good one.
	agent := fact(r.agent)
	if r.region != "" {
		agent += " in " + fact(r.region)
	}
	row("Agent", agent)
	b.WriteString("|:--|:--|\n")
	row("Status", code(string(v.Status)))
	row("Reason", some(string(v.Reason)))
	row("Deployment", some(r.deployment))
	if r.previous != r.deployment {
		row("Previous deployment", some(r.previous))
	}
	row("Image", some(r.image))
	row("Build", some(r.build))
	if r.document != nil {
		row("Replicas", replicas(r.look))
		if rev := r.document.CurrentRevision; !v.Status.OK() && rev != nil && rev.DeploymentID == r.deployment && rev.Health != nil {
			if exit := rev.Health.LastExitCode; exit != nil {
				row("Exit code", fmt.Sprint(*exit))
			}
			row("Restarts", fmt.Sprint(rev.Health.RestartCount))
		}
	}
	row("Serves now", r.servingCell(v))
	row("Took", span(r.took()))
	b.WriteString("\n")
}

func (r *Report) servingCell(v verdict.Verdict) string {
	switch {
	case v.Reason == verdict.API, v.Reason == verdict.Auth, v.Status == verdict.Superseded: // the last look is old
	case r.look.Server != "":
		return code(cut(r.line(r.look.Server), maxCell))
	case r.look.Serving == poll.ServesNothing:
		return "nothing"
	}
	return ""
}

// plan renders what the change does to each setting: openly in a dry run, else
// folded.
func (r *Report) plan(b *strings.Builder, v verdict.Verdict) {
	if r.change == nil || len(r.change.Plan) == 0 {
		return
	}
	if v.Status != verdict.Planned {
		b.WriteString("<details><summary>The change</summary>\n\n")
		defer b.WriteString("</details>\n\n")
	}
	b.WriteString("| Setting | Before | After | From |\n|:--|:--|:--|:--|\n")
	cell := func(s string) string { return code(cut(r.line(s), maxCell)) }
	for _, s := range r.change.Plan {
		after, from := cell(s.After), s.From
		if from == "" {
			after, from = "as before", ""
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", code(s.Name), cell(s.Before), after, md(cut(r.line(from), 200)))
	}
	b.WriteString("\n")
}

// phases renders how long each stage of the rollout took.
func (r *Report) phases(b *strings.Builder) {
	var rows strings.Builder
	for i, s := range r.stages {
		end := time.Now()
		if i+1 < len(r.stages) {
			end = r.stages[i+1].began
		}
		if took := end.Sub(s.began); took > time.Second/20 { // else it was the end
			fmt.Fprintf(&rows, "| %s | %s |\n", md(cut(r.line(s.name), 200)), span(took))
		}
	}
	if rows.Len() > 0 {
		b.WriteString("| Phase | Took |\n|:--|--:|\n" + rows.String() + "\n")
	}
}
