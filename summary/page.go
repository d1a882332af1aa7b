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
	return pageWithin(run, records, gha.MaxSummary)
}

// pageWithin is the page with at most so many bytes: without the parts that are
// least useful, or else the headlines alone; "" where there is no room for these.
func pageWithin(run gha.Run, records []*Record, room int) string {
	var page, headlines strings.Builder
	for _, r := range records {
		page.WriteString(r.settled().page(run, max(0, room)/len(records)))
		headlines.WriteString(r.settled().heading())
	}
	switch {
	case page.Len() <= room:
		return page.String()
	case headlines.Len() <= room:
		return headlines.String()
	}
	return ""
}

func (r *Record) heading() string { return fmt.Sprintf("## %s\n\n", md(r.headline())) }

func (r *Record) page(run gha.Run, room int) string {
	sections := []section{{"", r.heading(), 0}}
	if r.green() {
		sections = append(sections, []section{
			{"", r.inShort(), 0},
			{"the notes", r.noteList(), 4},
			{"the links", r.links(run), 3},
			{"the details", folded("Details", r.facts()), 5},
		}...)
	} else {
		sections = append(sections, []section{
			{"", r.consequences(), 0},
			{"the problems", r.problemList(), 8},
			{"", r.adviceText(), 0},
			{"the source", r.source(run), 7},
			{"the error output", r.output(), 6},
			{"the notes", r.noteList(), 4},
			{"the revisions", r.revisions(), 9},
			{"the links", r.links(run), 5},
			{"how to roll back", folded("Roll back", r.wayBack()), 5},
			{"the details", folded("Details", r.facts()), 5},
		}...)
	}
	sections = append(sections, []section{
		{"the change", r.changeSection(), 2},
		{"the agent's log", r.agentLogs(), 1},
		{"the timeline", folded("Timeline", r.timeline()), 3},
	}...)
	return fit(sections, room)
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
			fmt.Fprintf(&b, "Omitted because the summary is full: %s. See the job's log.\n", strings.Join(out, ", "))
		}
		if b.Len() < room || first < 0 {
			return b.String()
		}
		sections[first].text, sections[first].goes = "", -1
	}
}

// folded hides a text behind its title.
func folded(title, text string) string {
	if text == "" {
		return ""
	}
	return "<details><summary>" + title + "</summary>\n\n" + text + "</details>\n\n"
}

// changeSection shows the change, and a dry run's open: it is what that is for.
func (r *Record) changeSection() string {
	if r.status == verdict.Planned {
		return r.changeTable()
	}
	return folded("Change", r.changeTable())
}

// inShort says in a line each what a green job changed, and what it replaced.
func (r *Record) inShort() string {
	p := r.change
	if p == nil || r.status == verdict.Planned || r.accepted == nil {
		return ""
	}
	var b strings.Builder
	var moved []string
	for _, row := range r.rows(*p) {
		if row.Moves {
			moved = append(moved, fmt.Sprintf("%s %s", code(row.Name), md(untrusted.Cut(r.line(settled(row).becomes()), maxCell))))
		}
	}
	if moved != nil && !p.ScalingOnly {
		b.WriteString("Changed: " + strings.Join(moved, ", ") + "\n\n")
	}
	if r.accepted.ID != r.accepted.Previous {
		b.WriteString("Deployment " + code(short(r.line(r.deployment))))
		if r.previous != "" {
			b.WriteString(" replaced " + md(r.name(r.previous)))
		}
		if r.observed {
			b.WriteString(" · " + md(replicas(r.rollout.State)))
		}
		b.WriteString("\n\n")
	}
	return b.String()
}

// settled is a row without where it came from.
func settled(row row) row {
	row.source = ""
	return row
}

// consequences says how callers fared in a rollback, and what a red job risks.
func (r *Record) consequences() string {
	var b strings.Builder
	for _, text := range append(r.fared(), r.risk()) {
		if text != "" {
			b.WriteString(md(untrusted.Cut(text, maxCell)) + "\n\n")
		}
	}
	return b.String()
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

// adviceText says what to do.
func (r *Record) adviceText() string {
	if text := r.todo(); text != "" {
		return "**What to do:** " + text + "\n\n"
	}
	return ""
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
	return folded("Agent log ("+lastLines(r.logged)+")", fence(untrusted.CutMiddle(r.agentLog, maxDetail))+"\n")
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

// revisions renders the failed deployment beside the one that it was to replace.
func (r *Record) revisions() string {
	if r.accepted == nil || r.accepted.ID == r.accepted.Previous {
		return ""
	}
	before, is := r.previous, "before"
	if r.restored != "" {
		before, is = r.restored, "restored"
	}
	if before != "" && before == r.now.ServingID && !r.outdated() {
		is = "serving calls"
	}
	failed := "failed"
	if r.status == verdict.Superseded || r.status == verdict.Cancelled {
		failed = string(r.status)
	}
	cell := func(s string) string { return untrusted.Cut(r.line(s), maxCell) }
	fact := func(s string) string {
		if s == "" {
			return ""
		}
		return code(cell(s))
	}
	var b strings.Builder
	heading := ""
	if before != "" {
		heading = md(untrusted.Cut(r.name(before), maxCell)) + " (" + is + ")"
	}
	fmt.Fprintf(&b, "| | %s | %s |\n|:--|:--|:--|\n", heading, md(cell(r.version()))+" ("+failed+")")
	row := func(name, old, ours string) {
		if old+ours != "" {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", name, old, ours)
		}
	}
	if p := r.change; p != nil && (p.Image != "" || p.FromBuild) {
		ours := p.Image
		if p.FromBuild {
			ours = ""
		}
		row("Image", fact(p.PreviousImage), fact(ours))
	}
	if r.observed {
		row("Replicas", "", replicasOf(r.rollout))
	}
	row("Deployment", fact(before), fact(r.deployment))
	b.WriteString("\n")
	return b.String()
}

// replicasOf says how the replicas of a failed deployment are.
func replicasOf(o revision.Observation) string {
	text := replicas(o.State)
	if h := o.Health; o.HasRevision && h != nil && h.RestartCount > 0 {
		text += ", " + quantity.Count(h.RestartCount, "restart")
	}
	return text
}

// facts renders the table of what was deployed where, with the platform's own words.
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
	row("Error code", some(r.failure.Code))
	if r.observed && !r.green() {
		row("Platform's reason", some(r.rollout.Reason))
		if h := r.rollout.Health; r.rollout.HasRevision && h != nil && h.LastExitCode != nil {
			row("Exit code", fmt.Sprint(*h.LastExitCode))
		}
	}
	beside := !r.green() && r.revisions() != "" // the page has these
	if !beside {
		row("Deployment", some(r.deployment))
		if r.previous != r.deployment {
			row("Previous deployment", some(r.previous))
		}
		row("Image", some(r.image))
	}
	row("Build", some(r.build))
	if r.context != "" {
		context := r.context
		if r.reused {
			context += "; reused"
		}
		row("Build context", context)
	}
	if r.observed && !beside {
		row("Replicas", replicas(r.rollout.State))
	}
	row("Rollback", some(r.restored))
	row("Now serving", r.servingCell())
	row("Duration", quantity.Span(r.took()))
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
