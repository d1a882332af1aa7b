package summary

import (
	"fmt"
	"strings"

	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	maxCell     = 2 << 10   // a fact
	maxDetail   = 256 << 10 // a crash's output
	maxCode     = 500       // a line of source
	maxProblems = 100
	maxStages   = 100 // the last of them has all that follows
)

// section is a part of the page.
type section struct {
	name string // what it shows, where it may be left out
	text string
	goes int // when there is no room: 1 goes first, and 0 never
}

// Page renders the job summary, in GitHub-flavored Markdown: a part for each agent,
// in the given order.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
func Page(run gha.Run, records []*Record) string {
	var b strings.Builder
	for _, r := range records {
		b.WriteString(r.settled().page(run, gha.MaxSummary/len(records)))
	}
	return b.String()
}

func (r *Record) page(run gha.Run, room int) string {
	return fit([]section{
		{"", fmt.Sprintf("## %s\n\n", md(r.headline())), 0},
		{"the problems", r.problemList(), 8},
		{"", r.adviceText(), 0},
		{"the source", r.source(run), 7},
		{"the crash's own words", r.output(), 6},
		{"what to do next", r.nextSteps(run), 5},
		{"the notes", r.noteList(), 4},
		{"the facts", r.facts(), 9},
		{"the timeline", folded("How long it took", r.timeline(), r.green()), 3},
		{"the change", folded("The change", r.changeTable(), r.status != verdict.Planned), 2},
		{"the agent's log", r.agentLogs(), 1},
	}, room)
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

// folded hides a text behind its title, if asked to.
func folded(title, text string, hide bool) string {
	if text == "" || !hide {
		return text
	}
	return "<details><summary>" + title + "</summary>\n\n" + text + "</details>\n\n"
}

func (r *Record) problemList() string {
	if len(r.problems) < 2 { // the headline has it
		return ""
	}
	var b strings.Builder
	for i, p := range r.problems {
		if i == maxProblems {
			fmt.Fprintf(&b, "- … and %d more\n", len(r.problems)-i)
			break
		}
		fmt.Fprintf(&b, "- %s\n", md(untrusted.Cut(r.line(p.String()), maxCell)))
	}
	return b.String() + "\n"
}

func (r *Record) output() string {
	if r.printed == "" {
		return ""
	}
	return fence(untrusted.CutMiddle(r.printed, maxDetail)) + "\n"
}

// adviceText says how callers fared, and what to do.
func (r *Record) adviceText() string {
	var b strings.Builder
	for _, text := range r.fared() {
		b.WriteString(md(untrusted.Cut(text, maxCell)) + "\n\n")
	}
	if text := r.todo(); text != "" {
		b.WriteString("**What to do:** " + text + "\n\n")
	}
	return b.String()
}

func (r *Record) noteList() string {
	var b strings.Builder
	for _, text := range r.notes {
		fmt.Fprintf(&b, "> %s\n\n", md(untrusted.Cut(text, maxCell)))
	}
	return b.String()
}

func (r *Record) agentLogs() string {
	if r.logged == 0 {
		return ""
	}
	return folded("The agent's log, "+lastLines(r.logged), fence(untrusted.CutMiddle(r.agentLog, maxDetail))+"\n", true)
}

// source renders the user's own line that broke, with those around it.
func (r *Record) source(run gha.Run) string {
	p := r.why.Place
	if p == nil || len(p.Around) == 0 {
		return ""
	}
	var b strings.Builder
	where := code(untrusted.Cut(r.line(p.File), maxCell))
	if link := run.Line(p.File, p.Line); link != "" {
		where = "[" + where + "](" + link + ")"
	}
	fmt.Fprintf(&b, "%s, line %d:\n\n", where, p.Line)
	var lines strings.Builder
	for _, l := range p.Around {
		mark := " "
		if l.Number == p.Line {
			mark = "→"
		}
		fmt.Fprintf(&lines, "%s %4d  %s\n", mark, l.Number, untrusted.Cut(strings.ReplaceAll(r.Cleaner.Block(l.Text), "\n", " "), maxCode))
	}
	b.WriteString(fence(lines.String()) + "\n")
	return b.String()
}

// facts renders the table of what was deployed where.
func (r *Record) facts() string {
	if r.change == nil && len(r.stages) == 0 {
		return ""
	}
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", name, value)
		}
	}
	fact := func(s string) string { return code(untrusted.Cut(r.line(s), maxCell)) }
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
	row("Status", code(string(r.status)))
	row("Reason", some(string(r.failure.Reason)))
	row("Deployment", some(r.deployment))
	if r.previous != r.deployment {
		row("Previous deployment", some(r.previous))
	}
	row("Image", some(r.image))
	row("Build", some(r.build))
	if r.context != "" {
		context := r.context
		if r.reused {
			context += "; built before"
		}
		row("Build context", context)
	}
	if r.observed {
		row("Replicas", replicas(r.rollout.State))
		if h := r.rollout.Health; !r.green() && r.rollout.HasRevision && h != nil {
			if exit := h.LastExitCode; exit != nil {
				row("Exit code", fmt.Sprint(*exit))
			}
			row("Restarts", fmt.Sprint(h.RestartCount))
		}
	}
	row("Rollback", some(r.restored))
	row("Serves now", r.servingCell())
	row("Took", quantity.Span(r.took()))
	b.WriteString("\n")
	return b.String()
}

func (r *Record) servingCell() string {
	switch {
	case r.outdated(), r.status == verdict.Superseded:
		return ""
	case r.now.ServingID != "":
		return code(untrusted.Cut(r.line(r.now.ServingID), maxCell))
	case r.now.Serving == revision.ServingNothing:
		return "nothing"
	}
	return ""
}
