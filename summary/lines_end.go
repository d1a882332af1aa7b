package summary

import (
	"cmp"
	"fmt"
	"strings"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

const (
	maxAnnotated = 10   // lines of a build's log in an annotation
	maxMessage   = 2000 // bytes of a failure's message in an annotation
)

func (l *list) configured(c event.Configured) {
	if len(c.FileKeys) > 0 {
		l.add(line(fmt.Sprintf("Using %s from %s.", l.r.line(strings.Join(c.FileKeys, ", ")), l.clean(c.File))))
	}
	if c.BuildsUnasked {
		l.add(line(fmt.Sprintf("%s names neither an image nor a build: building the build context. Set cloud-build: false to change settings only.", l.clean(c.File))))
	}
	for _, w := range c.Warnings {
		l.problem(gha.Warning, w, w.String())
	}
	for _, n := range c.Notices {
		l.problem(gha.Notice, n, n.String())
	}
}

// invalid shows what is wrong with the inputs, an annotation each.
func (l *list) invalid(problems []event.Problem) {
	if len(problems) == 1 {
		l.problem(gha.Error, problems[0], l.r.unsent())
		return
	}
	l.annotate(gha.Error, "Inputs", l.r.unsent())
	for _, p := range problems {
		l.problem(gha.Error, p, p.String())
	}
}

func (l *list) problem(k gha.Kind, p event.Problem, text string) {
	l.add(annotation(l.r.Cleaner, gha.Annotation{Kind: k, Title: about(p.Input), Text: text, File: p.File, Line: p.Line}))
}

func about(input string) string {
	if input == "" {
		return "Inputs"
	}
	return "Input " + input
}

// finished ends the log with the result.
func (l *list) finished() {
	r := l.r
	l.add(groupEnd{})
	headline := r.headline()
	failed := !r.green() && len(r.problems) == 0
	if n := r.rollout.Restarts; n > 0 && r.status == verdict.Ready {
		l.annotate(gha.Warning, "Restarts", fmt.Sprintf("The new version had %s before it settled; the agent log may say why.", quantity.Count(n, "restart")))
	}
	if failed {
		a := gha.Annotation{Kind: gha.Error, Title: r.agent + ": " + string(r.failure.Reason), Text: headline.text, More: r.more(headline)}
		if p := r.why.Place; p != nil {
			a.Title, a.File, a.Line = r.agent+": "+cmp.Or(r.why.Type, string(r.failure.Reason)), p.File, p.Line
		}
		l.add(annotation(r.Cleaner, a))
	}
	if r.printed != "" && !r.inLog() && !(r.failure.Reason == verdict.Build && r.buildLogged) {
		l.add(line("Error output:"))
		l.add(foreign(r.printed))
	}
	l.add(line(headline.String()))
	if failed {
		l.add(line(fmt.Sprintf("Status %s after %s", r.status, quantity.Span(r.took()))))
	}
	if text := r.todo(); text != "" {
		l.add(line("What to do: " + untrusted.Cut(plainText(text), maxLine)))
	}
}

// more is what an error annotation says beneath its headline.
func (r *Record) more(h headline) (lines []string) {
	if !h.message && r.failure.Message != "" && !r.cannotStart() {
		lines = append(lines, untrusted.Cut(r.failure.Message, maxMessage))
	}
	lines = append(lines, r.fared()...)
	if text := r.risk(); text != "" {
		lines = append(lines, text)
	}
	if text := r.todo(); text != "" {
		lines = append(lines, "What to do: "+plainText(text))
	}
	if r.failure.Reason == verdict.Build && r.printed != "" { // what it printed last
		printed := strings.Split(strings.TrimRight(r.printed, "\n"), "\n")
		for _, line := range printed[max(0, len(printed)-maxAnnotated):] {
			lines = append(lines, "│ "+line)
		}
	}
	return lines
}

// fared says how a rollback ended, and how callers fared until then.
func (r *Record) fared() (lines []string) {
	if back := r.failure.Rollback; back != nil && back.Message != "" && !back.Whole { // else the headline says it
		lines = append(lines, begin(back.Message)+".")
	}
	if r.revert != nil {
		lines = append(lines, r.callers.affected(r.ended))
	}
	return lines
}

// todo says what to do about a red job, in Markdown; "" when the job is green, or
// when the message says it.
func (r *Record) todo() string {
	switch {
	case r.failure.Advice != "":
		return r.line(r.failure.Advice)
	case r.why.Hint != "":
		return r.line(r.why.Hint)
	case r.failure.Reason == verdict.Inputs: // whose message says what to correct
		return ""
	}
	return cmp.Or(callAdvice(r.failure.Cause), advice(r.failure.Reason))
}
