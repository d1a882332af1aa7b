package summary

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/verdict"
)

// Finish tells the verdict: in the log, the outputs and the job summary.
func (r *Report) Finish(v verdict.Verdict) {
	v.Message, v.Detail = r.line(v.Message), r.block(v.Detail)
	if v.Rollback != nil {
		back := *v.Rollback
		back.Message = r.line(back.Message)
		v.Rollback = &back
	}
	if strings.Contains(v.Message, r.line(v.Detail)) { // nothing more to tell
		v.Detail = ""
	}
	r.tell(v)
	if path := r.getenv("GITHUB_OUTPUT"); path != "" {
		r.save(path, r.outputs, v, "No outputs", "The outputs could not be written, so later steps read none; make GITHUB_OUTPUT writable for this step")
	}
	if path := r.getenv("GITHUB_STEP_SUMMARY"); path != "" {
		r.save(path, r.page, v, "No job summary", "The job summary could not be written, and the verdict stands without it; make GITHUB_STEP_SUMMARY writable for this step")
	}
	if r.file != "" {
		r.save(r.file, r.page, v, "No summary", "The summary could not be written to the file of -summary, and the verdict stands without it")
	}
	if r.json != nil {
		r.print(v)
	}
}

// tell ends the log with the verdict.
func (r *Report) tell(v verdict.Verdict) {
	defer r.survive()
	r.log.endGroup()
	headline := r.headline(v)
	if !v.Status.OK() && len(r.problems) == 0 {
		title, at := r.agent+": "+string(v.Reason), place{}
		if p := r.why.Place; p != nil {
			title, at = r.agent+": "+r.why.Type, place{p.File, p.Line}
		}
		r.annotate(errorKind, title, strings.TrimPrefix(headline, "✗ "), at, r.more(v, headline)...)
	}
	if v.Detail != "" {
		r.log.line("In its own words:")
		r.log.foreign(v.Detail)
	}
	r.log.line("%s", headline)
	if !v.Status.OK() && len(r.problems) == 0 {
		r.log.line("Status %s, after %s", v.Status, span(r.took()))
	}
	if text := r.todo(v); text != "" {
		r.log.line("What to do: %s", cut(text, maxLine))
	}
}

// more is what an error annotation says beneath its headline.
func (r *Report) more(v verdict.Verdict, headline string) (lines []string) {
	if !strings.Contains(headline, strings.TrimRight(v.Message, ".")) {
		lines = append(lines, cut(v.Message, maxAnnotation/2))
	}
	lines = append(lines, r.fared(v)...)
	if text := r.todo(v); text != "" {
		lines = append(lines, "What to do: "+text)
	}
	if v.Reason == verdict.Build && v.Detail != "" { // what it printed last
		printed := strings.Split(strings.TrimRight(v.Detail, "\n"), "\n")
		for _, line := range printed[max(0, len(printed)-maxAnnotated):] {
			lines = append(lines, "│ "+line)
		}
	}
	return lines
}

// fared says what became of a rollback, and of callers meanwhile.
func (r *Report) fared(v verdict.Verdict) (lines []string) {
	if v.Rollback != nil {
		text := v.Rollback.Message // which begins with a word of ours
		lines = append(lines, strings.ToUpper(text[:1])+text[1:]+".")
	}
	if r.undo != nil {
		lines = append(lines, r.callers.affected(time.Now()))
	}
	return lines
}

// todo says what to do about a red job, in Markdown.
func (r *Report) todo(v verdict.Verdict) string {
	if r.why.Hint != "" {
		return r.line(r.why.Hint)
	}
	for _, reason := range verdict.Reasons() {
		if reason.Word == string(v.Reason) && len(r.problems) == 0 {
			return reason.Text
		}
	}
	return ""
}

// save appends what a verdict renders to one of the runner's files.
func (r *Report) save(path string, render func(verdict.Verdict) string, v verdict.Verdict, title, otherwise string) {
	defer r.survive()
	if err := appendFile(path, render(v)); err != nil {
		r.annotate(warningKind, title, fmt.Sprintf("%s: %v", otherwise, cause(err)), place{})
	}
}

// print prints the outputs as JSON.
func (r *Report) print(v verdict.Verdict) {
	defer r.survive()
	if _, err := io.WriteString(r.json, r.jsonOutputs(v)); err != nil {
		r.annotate(warningKind, "No JSON", fmt.Sprintf("The outputs could not be printed: %v", cause(err)), place{})
	}
}

// cause leaves out of a file's error what its sentence has said.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

func (r *Report) took() time.Duration { return time.Since(r.started) }
