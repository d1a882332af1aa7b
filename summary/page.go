package summary

import (
	"fmt"
	"net/url"
	"strings"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

const (
	maxHeadline = 300
	maxCell     = 2 << 10   // a fact
	maxDetail   = 256 << 10 // a crash
	maxCode     = 500       // a line of source
	maxProblems = 100
	maxStages   = 100     // the last of them has all that follows
	maxSummary  = 1 << 20 // the runner drops a larger one whole
)

// section is a part of the job summary.
type section struct {
	name string // what it shows, where it may be left out
	text string
	goes int // when there is no room: 1 goes first, and 0 never
}

// page renders the job summary, in GitHub-flavoured Markdown.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
func (r *Report) page(v verdict.Verdict) string {
	red := !v.Status.OK()
	sections := []section{
		{"", fmt.Sprintf("## %s\n\n", md(r.headline(v))), 0},
		{"the problems", r.problemList(), 8},
		{"", r.advice(v), 0},
		{"the source", r.source(), 7},
		{"the crash's own words", detail(v), 6},
		{"what to do next", r.next(v), 5},
		{"the notes", r.noteList(), 4},
		{"the facts", r.facts(v), 9},
		{"the timeline", folded("How long it took", r.timeline(v), !red), 3},
		{"the change", folded("The change", r.plan(), v.Status != verdict.Planned), 2},
		{"the agent's log", r.agentLogs(), 1},
	}
	return fit(sections, maxSummary)
}

// fit joins sections, and leaves out the least useful when there is no room for
// all.
func fit(sections []section, room int) string {
	for {
		var b strings.Builder
		var out []string
		first := -1
		for i, s := range sections {
			b.WriteString(s.text)
			switch {
			case s.text == "" && s.goes < 0:
				out = append(out, s.name)
			case s.text != "" && s.goes > 0 && (first < 0 || s.goes < sections[first].goes):
				first = i
			}
		}
		if out != nil {
			fmt.Fprintf(&b, "Left out for want of room: %s. The job's log has more.\n", strings.Join(out, ", "))
		}
		if b.Len() < room || first < 0 {
			return b.String()
		}
		sections[first].text, sections[first].goes = "", -1
	}
}

// folded hides a text behind its title, if it is to be.
func folded(title, text string, hide bool) string {
	if text == "" || !hide {
		return text
	}
	return "<details><summary>" + title + "</summary>\n\n" + text + "</details>\n\n"
}

func (r *Report) problemList() string {
	if len(r.problems) < 2 { // the headline has it
		return ""
	}
	var b strings.Builder
	for i, p := range r.problems {
		if i == maxProblems {
			fmt.Fprintf(&b, "- … and %d more\n", len(r.problems)-i)
			break
		}
		fmt.Fprintf(&b, "- %s\n", md(cut(r.line(p.String()), maxCell)))
	}
	return b.String() + "\n"
}

func detail(v verdict.Verdict) string {
	if v.Detail == "" {
		return ""
	}
	return fence(cutMiddle(v.Detail, maxDetail)) + "\n"
}

// advice says how callers fared, and what to do.
func (r *Report) advice(v verdict.Verdict) string {
	var b strings.Builder
	for _, text := range r.fared(v) {
		b.WriteString(md(cut(text, maxCell)) + "\n\n")
	}
	if text := r.todo(v); text != "" {
		b.WriteString("**What to do:** " + text + "\n\n")
	}
	return b.String()
}

func (r *Report) noteList() string {
	var b strings.Builder
	for _, text := range r.notes {
		fmt.Fprintf(&b, "> %s\n\n", md(cut(text, maxCell)))
	}
	return b.String()
}

func (r *Report) agentLogs() string {
	if r.logged == 0 {
		return ""
	}
	return folded("The agent's log, "+lastLines(r.logged), fence(cutMiddle(r.agentLog, maxDetail))+"\n", true)
}

// source renders the user's own line that broke, with those around it.
func (r *Report) source() string {
	p := r.why.Place
	if p == nil {
		return ""
	}
	var b strings.Builder
	where := code(cut(r.line(p.File), maxCell))
	if link := r.link(p); link != "" {
		where = "[" + where + "](" + link + ")"
	}
	fmt.Fprintf(&b, "%s, line %d:\n\n", where, p.Line)
	var lines strings.Builder
	for _, l := range p.Around {
		mark := " "
		if l.Number == p.Line {
			mark = "→"
		}
		fmt.Fprintf(&lines, "%s %4d  %s\n", mark, l.Number, cut(strings.ReplaceAll(r.block(l.Text), "\n", " "), maxCode))
	}
	b.WriteString(fence(lines.String()) + "\n")
	return b.String()
}

// link is the address of a place in the commit that the job is of; "" when the
// runner does not name it.
func (r *Report) link(p *diagnosis.Place) string {
	server, repository, commit := r.getenv("GITHUB_SERVER_URL"), r.getenv("GITHUB_REPOSITORY"), r.getenv("GITHUB_SHA")
	base, err := url.Parse(server)
	if err != nil || base.Scheme != "https" || repository == "" || commit == "" {
		return ""
	}
	to := base.JoinPath(escaped(repository), "blob", escaped(commit), escaped(p.File))
	to.Fragment = fmt.Sprintf("L%d", p.Line)
	return to.String()
}

// escaped is a path whose names mean nothing else in an address.
func escaped(path string) string {
	names := strings.Split(path, "/")
	for i := range names {
		names[i] = url.PathEscape(names[i])
	}
	return strings.Join(names, "/")
}

// facts renders the table of what was deployed where.
func (r *Report) facts(v verdict.Verdict) string {
	if r.change == nil && len(r.stages) == 0 {
		return ""
	}
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", name, value)
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
	if context := r.of.context; context != "" {
		if r.of.found {
			context += "; built before"
		}
		row("Build context", context)
	}
	if r.document != nil {
		row("Replicas", replicas(r.look))
		if rev := r.document.CurrentRevision; !v.Status.OK() && rev != nil && rev.DeploymentID == r.deployment && rev.Health != nil {
			if exit := rev.Health.LastExitCode; exit != nil {
				row("Exit code", fmt.Sprint(*exit))
			}
			row("Restarts", fmt.Sprint(rev.Health.RestartCount))
		}
	}
	row("Rollback", some(r.undone))
	row("Serves now", r.servingCell(v))
	row("Took", span(r.took()))
	b.WriteString("\n")
	return b.String()
}

func (r *Report) servingCell(v verdict.Verdict) string {
	switch {
	case r.stale(v), v.Status == verdict.Superseded:
		return ""
	case r.now.Server != "":
		return code(cut(r.line(r.now.Server), maxCell))
	case r.now.Serving == poll.ServesNothing:
		return "nothing"
	}
	return ""
}

// plan renders what the change does to each setting.
func (r *Report) plan() string {
	if r.change == nil || len(r.change.Plan) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| Setting | Before | After | From |\n|:--|:--|:--|:--|\n")
	cell := func(s string) string { return code(cut(r.line(s), maxCell)) }
	for _, s := range r.change.Plan {
		before, after := cell(s.Before), cell(s.After)
		if s.Before == "" && s.Name != "build-id" && r.change.Before != nil {
			before = "not told"
		}
		if s.From == "" {
			after = "as before"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(s.Name), before, after, md(cut(r.line(s.From), 200)))
	}
	return b.String() + "\n"
}
