// Package summary shows a deployment to people: the log while it happens,
// annotations, and at the end the action's outputs and the job summary. It
// renders what the other packages decide, and decides nothing.
package summary

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// Report tells the story of one job. It is given what happens by its methods,
// in order, and Finish last.
type Report struct {
	// Version is that of this program, for the log's first line; empty: it is
	// not told.
	Version string

	log     *log
	getenv  func(string) string
	key     config.Secret
	json    io.Writer // for the outputs; nil: they are not printed
	file    string    // for the summary, next to the runner's; empty: none
	started time.Time

	// What is known of the deployment so far.
	api                  string // its address
	agent, region        string
	image, build         string
	of                   build // the same
	deployment, previous string
	change               *deploy.Change
	taken                *deploy.Taken
	document             *pipecat.Agent // as seen last of the deployment
	look                 poll.Look
	now                  poll.Look // the last, be it at the rollback
	stages               []stage
	callers              callers

	undo     *deploy.Change // the rollback
	undone   string         // its deployment
	failure  string         // what it undoes
	dryRun   bool
	lost     bool // an answer was, or may be
	away     bool // the API was
	problems []config.Problem
	notes    []string // warnings and notices
	agentLog string   // its last lines
	logged   int      // how many
	why      diagnosis.Diagnosis
	grouped  string // the title of the log's group
}

// New starts a report to w. getenv has the runner's variables, GITHUB_*, none of
// which needs to be set, and the key, which is never shown.
func New(w io.Writer, getenv func(string) string) *Report {
	return &Report{
		log:     newLog(w, getenv("GITHUB_ACTIONS") == "true"),
		getenv:  getenv,
		key:     config.Key(getenv),
		started: time.Now(),
	}
}

// JSON has the outputs printed to out when the job ends, as one JSON object. The
// log goes to log instead.
func (r *Report) JSON(out, log io.Writer) {
	r.json, r.log = out, newLog(log, r.log.action != nil)
}

// Broke takes note that the program itself broke, so that what its last request
// came to is not known.
func (r *Report) Broke() { r.lost = true }

// survive is deferred by what shows something: a fault in it must change no
// verdict, and keep nothing else from being shown.
func (r *Report) survive() {
	if recover() != nil {
		r.log.line("This action broke while it showed something, which is its own fault; the verdict stands.")
	}
}

// Begin takes note of what is asked for. The key is masked before anything
// else is printed.
func (r *Report) Begin(cfg config.Config) {
	defer r.survive()
	r.key, r.dryRun, r.file = cfg.APIKey, cfg.DryRun, cfg.Summary
	if r.key != "" && r.log.action != nil {
		r.log.action.AddMask(string(r.key))
	}
	if r.Version != "" {
		r.log.line("Pipecat Cloud Deploy %s", r.Version)
	}
	if cfg.APIURL != nil {
		r.api = cfg.APIURL.String()
	}
	r.agent, r.image, r.build, r.region = r.line(cfg.AgentName), r.line(cfg.Settings.Image), r.line(cfg.Settings.BuildID), cfg.Region
	if cfg.File != "" {
		r.log.line("Read %s: %s", cut(r.line(cfg.File), maxLine), strings.Join(cfg.FileKeys, ", "))
	}
	for _, w := range cfg.Warnings {
		r.annotate(warningKind, about(w.Input), w.String(), place{w.File, w.Line})
	}
}

// Problems tells what is wrong with the inputs, an annotation each.
func (r *Report) Problems(problems []config.Problem) {
	defer r.survive()
	r.problems = problems
	if len(problems) == 1 {
		p := problems[0]
		r.annotate(errorKind, about(p.Input), r.unsent(), place{p.File, p.Line})
		return
	}
	r.annotate(errorKind, "Inputs", r.unsent(), place{})
	for _, p := range problems {
		r.annotate(errorKind, about(p.Input), p.String(), place{p.File, p.Line})
	}
}

func about(input string) string {
	if input == "" {
		return "Inputs"
	}
	return "Input " + input
}

// Retrying shows that a read before the update failed, and is tried again.
func (r *Report) Retrying(err *pipecat.Error, wait time.Duration) {
	defer r.survive()
	r.say("A read failed and is tried again in %s: %v", span(wait), err)
}

// Logs shows the last lines that the agent printed, or why they are not known.
func (r *Report) Logs(lines []pipecat.LogLine, err error) {
	defer r.survive()
	if err != nil {
		r.say("The agent's log could not be read: %v", err)
		return
	}
	if len(lines) == 0 {
		return
	}
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = l.Text
	}
	r.logged, r.agentLog = len(lines), r.blocks(texts)
	r.group("The agent's log, " + lastLines(r.logged))
	r.log.foreign(r.agentLog)
}

func lastLines(n int) string {
	if n == 1 {
		return "its last line"
	}
	return fmt.Sprintf("its last %d lines", n)
}

// Explain takes note of what a deployment came to, which a rollback is for, and
// of what broke, for Finish to show.
func (r *Report) Explain(v verdict.Verdict, d diagnosis.Diagnosis) { r.failure, r.why = v.Message, d }

// group begins a part of the log, unless it is in it.
func (r *Report) group(title string) {
	if r.grouped != title {
		r.grouped = title
		r.log.group(cut(r.line(title), maxLine))
	}
}

// say writes a line of the log. It must begin with a word of ours.
func (r *Report) say(format string, args ...any) {
	r.log.line("  %s", cut(r.line(fmt.Sprintf(format, args...)), maxLine))
}

// at writes a line of the log about a time since waiting began.
func (r *Report) at(elapsed time.Duration, text string) {
	r.log.line("  %9s  %s", span(elapsed), cut(r.line(text), maxLine))
}

// annotate says something in the log and on the job's page, with more lines
// beneath it.
func (r *Report) annotate(k kind, title, text string, at place, more ...string) {
	text = cut(r.line(text), maxLine)
	switch k {
	case warningKind:
		r.notes = append(r.notes, "⚠ "+text)
	case noticeKind:
		r.notes = append(r.notes, text)
	}
	for i := range more {
		more[i] = cut(r.line(more[i]), maxLine)
	}
	at.file = r.line(at.file)
	r.log.annotate(k, r.line(title), text, at, more...)
}

// short is as much of an id as people compare.
func short(id string) string {
	if i := strings.IndexByte(id, '-'); i >= 8 {
		id = id[:i]
	}
	return cut(id, 64)
}

// with is the words and what they are about, or nothing.
func with(words, about string) string {
	if about == "" {
		return ""
	}
	return words + about
}
