// Package summary shows a job to people: the log while it happens, annotations,
// and at the end the action's outputs and the job summary.
//
// It decides nothing. Events are folded into a Record, and all that is shown is
// rendered from that; only a Reporter writes anything.
package summary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/stopping"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// Reporter writes the log of one or more agents' jobs, and at the end what they
// leave behind. It is safe for concurrent use: lines of one agent are never inside
// another reporter's group or block.
type Reporter struct {
	options        Options
	mu             sync.Mutex
	env            gha.Env
	stdout, stderr io.Writer
	log            *gha.Log
	cleaner        untrusted.Cleaner
	masked         []string // secrets
	jobs           []*job   // in the order in which they begin
	open           *job     // whose group is open; nil: there is no open group
	begun          bool     // the secrets so far are masked, and the log may have lines
	named          bool     // the log has the version
	givenUp        []string // files that nobody reads
}

// job is what the Reporter knows of one agent.
type job struct {
	name   string // the agent's
	record Record
	group  group // its current one, which another agent may interrupt; the zero one for none
}

// New is a Reporter that writes the log to stdout, or to stderr where the outputs are
// printed there.
func New(stdout, stderr io.Writer, env gha.Env) *Reporter {
	return &Reporter{env: env, stdout: stdout, stderr: stderr, log: gha.NewLog(stdout, env.OnRunner())}
}

// Options are what a user asks of a report.
type Options struct {
	Version string // of this program, for the first line of the log; "" for none
	File    string // the page is appended to it, next to the runner's; "" for none
	When    string // the runner's page is written: Always, OnFailure or Never; "" is Always
	JSON    bool   // print the outputs as one JSON object
}

// The times at which the page is written for the runner.
const (
	Always    = "always"
	OnFailure = "on-failure"
	Never     = "never"
)

// Configure sets the options. It has to come before the first event.
func (r *Reporter) Configure(o Options) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.options = o
	if o.JSON {
		r.log = gha.NewLog(r.stderr, r.log.OnRunner())
	}
}

// Mask hides secrets, each of one line, in all that follows: here, in the encodings
// that are likely, and on a runner in whatever the job prints. It has to come before
// the first event that may have one. An empty one is ignored, and so is one that is
// hidden already. The command for the runner, which knows encodings itself, is not
// written before the first event, so that the log may still move (see JSON), and a
// program that only prints its help prints no command.
func (r *Reporter) Mask(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.survive()
	for _, secret := range secrets {
		if secret == "" || slices.Contains(r.masked, secret) {
			continue
		}
		r.masked = append(r.masked, secret)
		if r.begun {
			r.log.Mask(secret)
		}
		r.hide(secret)
	}
}

// hide replaces texts by *** in what follows, and on the page, whichever agent they are of.
func (r *Reporter) hide(texts ...string) {
	r.cleaner = r.cleaner.Hide(texts...)
	for _, j := range r.jobs {
		j.record.Cleaner = r.cleaner
	}
}

// begin masks the secrets that are known before the log has any line.
func (r *Reporter) begin() {
	if r.begun {
		return
	}
	r.begun = true
	for _, secret := range r.masked {
		r.log.Mask(secret)
	}
}

// Handle folds an event into the record of its agent, and shows it in the log. An
// entry that names no agent is of the first one. A fault in it changes nothing but
// the log.
func (r *Reporter) Handle(e event.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.survive()
	if is, ok := e.Event.(event.Entrusted); ok { // which the log must not have, not even for the runner to mask
		r.hide(entrusted(is)...)
	}
	j := r.job(e.Agent)
	items := j.record.add(e)
	r.begin()
	if _, ok := e.Event.(event.Configured); ok && !r.named {
		r.named = true
		if r.options.Version != "" {
			r.log.Line("Pipecat Cloud Deploy " + r.options.Version)
		}
	}
	for _, it := range items {
		r.print(j, it)
	}
}

// End shows how the jobs ended, and writes what they leave behind. It returns what
// Finish does.
func (r *Reporter) End(ctx context.Context, result verdict.Result) bool {
	event.Emitter{Step: event.Inputs, Handle: r.Handle}.Emit(event.Finished{Result: result})
	return r.Finish(ctx)
}

// Finish writes the outputs and the page. The outputs are those of the first
// agent. A file that cannot be written is a warning, and changes nothing else.
//
// Once ctx is done, a file that nobody reads, such as a pipe, is given up for good. A
// green job is not one then, because its runner has stopped it: Finish writes no more, and
// reports false. It is to be called again, with the result that the job has now.
func (r *Reporter) Finish(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := &r.job("").record
	if path := r.env.OutputFile(); path != "" {
		saved := r.save(ctx, path, func() string { return gha.RenderOutputs(Outputs(first)) },
			"No outputs", "The outputs could not be written, so later steps read none; make GITHUB_OUTPUT writable for this step")
		if !saved && first.green() {
			return false
		}
	}
	wanted := r.options.When != Never && (r.options.When != OnFailure || !first.green())
	if path := r.env.SummaryFile(); path != "" && wanted {
		if !r.saveSummary(ctx, path) && first.green() {
			return false
		}
	}
	if r.options.File != "" {
		page := func() string { return Page(r.env.Run(), r.records()) }
		saved := r.save(ctx, r.options.File, page, "No summary", "The summary could not be written to the file of -summary, and the verdict stands without it")
		if !saved && first.green() {
			return false
		}
	}
	if r.options.JSON {
		r.printJSON(first)
	}
	return true
}

// job is the agent's; that of no name is the first one, and the first one may get
// its name later.
func (r *Reporter) job(agent string) *job {
	for _, j := range r.jobs {
		switch {
		case j.name == agent || agent == "":
			return j
		case j.name == "":
			j.name = agent
			return j
		}
	}
	j := &job{name: agent, record: Record{Cleaner: r.cleaner}}
	r.jobs = append(r.jobs, j)
	return j
}

func (r *Reporter) records() (records []*Record) {
	for _, j := range r.jobs {
		records = append(records, &j.record)
	}
	return records
}

// print writes an item of a job's log.
func (r *Reporter) print(j *job, it item) {
	switch it := it.(type) {
	default:
		panic(fmt.Sprintf("%T is not printed", it))
	case group:
		if j.group != it {
			j.group = it
			r.openGroup(j)
		}
	case groupEnd:
		j.group = group{}
		if r.open == j {
			r.closeGroup()
		}
	case step:
		if j.group.title == "" && len(r.jobs) > 1 {
			j.group = group{title: j.record.agent, named: true}
		}
		r.enter(j)
		r.log.Line(string(it))
	case line:
		r.enter(j)
		r.log.Line(string(it))
	case foreign:
		r.enter(j)
		r.log.Foreign(string(it))
	case note:
		r.enter(j)
		r.log.Annotate(it.Annotation)
	}
}

// enter makes the open group the job's, which another agent's may have
// interrupted.
func (r *Reporter) enter(j *job) {
	switch {
	case r.open == j:
	case j.group.title != "":
		r.openGroup(j)
	case r.open != nil:
		r.closeGroup()
	}
}

func (r *Reporter) openGroup(j *job) {
	r.open = j
	title := j.group.title
	if agent := j.record.agent; len(r.jobs) > 1 && !j.group.named && agent != "" {
		title = agent + ": " + title
	}
	r.log.Group(title)
}

func (r *Reporter) closeGroup() {
	r.open = nil
	r.log.EndGroup()
}

// survive is deferred by what shows something: a fault in it must change no
// verdict, and keep nothing else from being shown.
func (r *Reporter) survive() {
	if recover() != nil {
		defer func() { _ = recover() }() // a log that is broken, too
		r.log.Line("This action broke while it showed something, which is its own fault; the verdict stands.")
	}
}

// saveSummary appends the page to the runner's file, as much of it as there is space
// for next to what other steps wrote.
func (r *Reporter) saveSummary(ctx context.Context, path string) bool {
	const title = "No job summary"
	room := gha.SummaryRoom(path)
	page := func() string { return pageWithin(r.env.Run(), r.records(), room) }
	if page() == "" {
		r.warn(title, fmt.Sprintf("The job summary is full: %s of the %s that GitHub shows are already used; write less to it in the same step", quantity.Megabytes(int64(gha.MaxSummary-room)), quantity.Megabytes(gha.MaxSummary)))
		return true
	}
	return r.save(ctx, path, page, title, "The job summary could not be written, and the verdict stands without it; make GITHUB_STEP_SUMMARY writable for this step")
}

// save appends what is rendered to a file. It reports false when it gives that up.
func (r *Reporter) save(ctx context.Context, path string, render func() string, title, otherwise string) (saved bool) {
	saved = true // also where there is a fault in it
	defer r.survive()
	if slices.Contains(r.givenUp, path) {
		return true
	}
	text := render()
	err := stopping.Do(ctx, func() error { return gha.AppendFile(path, text) })
	if err != nil {
		r.warn(title, fmt.Sprintf("%s: %v", otherwise, cause(err)))
	}
	if errors.Is(err, stopping.ErrGivenUp) {
		r.givenUp, saved = append(r.givenUp, path), false
	}
	return saved
}

// printJSON prints the outputs as JSON.
func (r *Reporter) printJSON(record *Record) {
	defer r.survive()
	if _, err := io.WriteString(r.stdout, JSON(record)); err != nil {
		r.warn("No JSON", fmt.Sprintf("The outputs could not be printed: %v", cause(err)))
	}
}

// warn says in the log and on the first agent's page that something is not
// written.
func (r *Reporter) warn(title, text string) {
	j := r.job("")
	n := annotation(r.cleaner, gha.Annotation{Kind: gha.Warning, Title: title, Text: text})
	j.record.notes = append(j.record.notes, n)
	r.print(j, n)
}

// cause leaves out of a file's error what its sentence has said.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
