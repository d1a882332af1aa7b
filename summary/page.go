package summary

import (
	"fmt"
	"strconv"
	"strings"

	"pipecat-cloud-deploy/internal/diagnosis"
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
	goes int // when space is short: 1 goes first, and 0 never
}

// Page renders the job summary, in GitHub-flavored Markdown: a part for each agent,
// in the given order.
//
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
func Page(run gha.Run, records []*Record) string {
	return pageWithin(run, records, gha.MaxSummary)
}

// pageWithin is the page with at most so many bytes: without the parts that are
// least useful, or else the headlines alone; "" where these do not fit.
func pageWithin(run gha.Run, records []*Record, maxBytes int) string {
	var page, headlines strings.Builder
	for _, r := range records {
		page.WriteString(r.settled().page(run, max(0, maxBytes)/len(records)))
		headlines.WriteString(r.settled().heading())
	}
	switch {
	case page.Len() <= maxBytes:
		return page.String()
	case headlines.Len() <= maxBytes:
		return headlines.String()
	}
	return ""
}

func (r *Record) heading() string { return fmt.Sprintf("## %s\n\n", md(r.headline().String())) }

func (r *Record) page(run gha.Run, maxBytes int) string {
	sections := []section{{"", r.heading(), 0}}
	if r.green() {
		sections = append(sections, []section{
			{"", r.inShort(), 0},
			{"the change", r.openChange(), 2},
			{"the test call", r.callPicture(), 6},
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
			{"the agent's log", r.openLog(), 6},
			{"the test call", r.callPicture(), 6},
			{"the notes", r.noteList(), 4},
			{"the revisions", r.revisions(), 9},
			{"the links", r.links(run), 5},
			{"how to roll back", folded("Roll back", r.wayBack()), 5},
			{"the details", folded("Details", r.facts()), 5},
		}...)
	}
	sections = append(sections, []section{
		{"the change", r.foldedChange(), 2},
		{"the agent's log", r.foldedLog(), 1},
		{"the timeline", folded("Timeline", r.timeline()), 3},
	}...)
	return fit(sections, maxBytes)
}

// fit joins sections, and leaves out the least useful when there is no space for
// all.
func fit(sections []section, maxBytes int) string {
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
		if b.Len() < maxBytes || first < 0 {
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

// openChange is the change of a dry run, which is about nothing else.
func (r *Record) openChange() string {
	if r.status != verdict.Planned {
		return ""
	}
	return r.changeList()
}

// foldedChange is the change of any other job.
func (r *Record) foldedChange() string {
	if r.status == verdict.Planned {
		return ""
	}
	return folded("Change", r.changeList())
}

// inShort says in a line each what a green job changed, and what it replaced.
func (r *Record) inShort() string {
	p := r.plan
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
	if r.isNew() {
		b.WriteString("Deployment " + code(short(r.line(r.deploymentID))))
		if r.previous != "" {
			verb := " replaced "
			if r.status == verdict.Deployed { // not yet
				verb = " replaces "
			}
			b.WriteString(verb + md(r.name(r.previous)))
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

// output shows what was printed: folded where the page shows the exception that it ends
// with, or the headline the error of a build. The agent's log may have both.
func (r *Record) output() string {
	if r.printed == "" || r.exception() != "" && r.inLog() {
		return ""
	}
	text := fence(untrusted.CutMiddle(r.printed, maxDetail)) + "\n"
	if known := r.failure.Reason == verdict.Build && r.why.Sure >= diagnosis.Likely; r.exception() == "" && !known {
		return text
	}
	return folded("Error output ("+quantity.Count(strings.Count(strings.TrimRight(r.printed, "\n"), "\n")+1, "line")+")", text)
}

// inLog reports whether the agent's log has what was printed.
func (r *Record) inLog() bool {
	return strings.Contains(r.agentLog, strings.TrimRight(r.printed, "\n"))
}

// exception is what was raised, where the headline has its type alone.
func (r *Record) exception() string {
	cause := r.line(r.why.Cause)
	if r.why.Type == "" || r.headline().cause {
		return ""
	}
	return cause
}

// adviceText says what to do.
func (r *Record) adviceText() string {
	text := r.todo()
	if r.failure.Advice != "" {
		text = md(text)
	}
	if text == "" {
		return ""
	}
	return "**What to do:** " + text + "\n\n"
}

func (r *Record) noteList() string {
	var b strings.Builder
	for _, n := range r.notes {
		mark := ""
		if n.Kind == gha.Warning {
			mark = "⚠ "
		}
		fmt.Fprintf(&b, "> %s\n\n", md(untrusted.Cut(mark+n.Text, maxCell)))
	}
	return b.String()
}

// openLog is the agent's log where it has the answer: replicas run, and nothing says
// why they do not become ready, or do not answer a call.
func (r *Record) openLog() string {
	if r.green() || (r.failure.Reason != verdict.NotReady && r.failure.Reason != verdict.ReasonNoAnswer) || r.printed != "" || r.logged == 0 {
		return ""
	}
	return "Agent log (" + lastLines(r.logged) + "):\n\n" + r.agentLines()
}

// foldedLog is the agent's log where it is not open.
func (r *Record) foldedLog() string {
	if r.logged == 0 || r.openLog() != "" {
		return ""
	}
	return folded("Agent log ("+lastLines(r.logged)+")", r.agentLines())
}

func (r *Record) agentLines() string {
	return fence(untrusted.CutMiddle(r.agentLog, maxDetail)) + "\n"
}

// source renders the user's own line that broke, with what it raised and the lines
// around it.
func (r *Record) source(run gha.Run) string {
	what := r.exception()
	if what != "" {
		what = "**" + md(untrusted.Cut(what, maxCell)) + "**\n\n"
	}
	p := r.why.Place
	if p == nil || len(p.Around) == 0 {
		return what
	}
	var b strings.Builder
	where := code(fmt.Sprintf("%s:%d", untrusted.Cut(r.line(p.File), maxCell), p.Line))
	if link := run.Line(p.File, p.Line); link != "" {
		where = "[" + where + "](" + link + ")"
	}
	b.WriteString(where + with(" ", what))
	if what == "" {
		b.WriteString("\n\n")
	}
	var lines strings.Builder
	digits := len(strconv.Itoa(p.Around[len(p.Around)-1].Number))
	for _, l := range p.Around {
		mark := " "
		if l.Number == p.Line {
			mark = "→"
		}
		fmt.Fprintf(&lines, "%s %*d  %s\n", mark, digits, l.Number, untrusted.Cut(strings.ReplaceAll(r.Cleaner.Block(l.Text), "\n", " "), maxCode))
	}
	b.WriteString(fence(lines.String()) + "\n")
	return b.String()
}

// revisions renders the failed deployment beside the one that it was to replace.
func (r *Record) revisions() string {
	if !r.isNew() || r.previous == "" {
		return ""
	}
	before, is := r.previous, "before"
	if r.restored != "" {
		before, is = r.restored, "restored"
	}
	if before == r.now.ServingID && !r.outdated() {
		is = "serving calls"
	}
	failed := "failed"
	switch {
	case r.status == verdict.Superseded:
		failed = "replaced"
	case r.status == verdict.Cancelled && r.now.ServingID != r.deploymentID:
		failed = "rolling out"
	case r.status == verdict.Cancelled, r.isLate() && r.now.ServingID == r.deploymentID:
		failed = "serving calls"
	case r.isLate():
		failed = "not ready"
	}
	heading := func(version, is string) string {
		return breakable(untrusted.Cut(r.line(version), maxCell), 8) + " (" + is + ")"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s | %s |\n|:--|:--|:--|\n", heading(r.name(before), is), heading(r.version(), failed))
	if r.observed {
		fmt.Fprintf(&b, "| Replicas | – | %s |\n", replicasOf(r.rollout))
	}
	fmt.Fprintf(&b, "| Deployment | %s | %s |\n\n", code(short(r.line(before))), code(short(r.line(r.deploymentID))))
	return b.String()
}

// replicasOf says how the replicas of a failed deployment are.
func replicasOf(o revision.Observation) string {
	text := replicas(o.State)
	if h := o.Health; o.HasRevision && h != nil && h.Restarts() > 0 {
		text += ", " + quantity.Count(h.Restarts(), "restart")
	}
	return text
}

// facts renders the table of what was deployed where, with the platform's messages.
func (r *Record) facts() string {
	if r.plan == nil && len(r.stages) == 0 {
		return ""
	}
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "| %s | %s |\n", name, value)
		}
	}
	fact := func(s string) string { return codeCell(untrusted.Cut(r.line(s), maxCell)) }
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
	beside := !r.green() && r.revisions() != "" // the page shows the replicas, and what serves
	row("Deployment", some(r.deploymentID))
	if r.previous != r.deploymentID {
		row("Previous deployment", some(r.previous))
	}
	row("Replaced by", some(r.newer))
	row("Image", some(r.image))
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
	if r.called != nil {
		row("Test call", code(string(r.called.Answer)))
		row("Session", some(r.called.Session))
	}
	if r.baked != nil {
		row("Watched", callersMet(*r.baked))
	}
	row("Rollback", some(r.restored))
	if !beside && r.now.ServingID != r.deploymentID {
		row("Now serving", r.servingCell())
	}
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
