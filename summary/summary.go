// Package summary shows a job to people: the log while it happens, annotations,
// and at the end the action's outputs and the job summary.
//
// It decides nothing. Events are folded into a Record, and all that is shown is
// rendered from that; only a Reporter writes anything.
package summary

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/untrusted"
)

// Reporter writes the log of one or more agents' jobs, and at the end what they
// leave behind. It is safe for concurrent use: lines of one agent are never inside
// another's group or block.
type Reporter struct {
	// Version is that of this program, for the first line of the log; "" for none.
	// It is set before the first event.
	Version string

	mu      sync.Mutex
	env     gha.Env
	log     *gha.Log
	cleaner untrusted.Cleaner
	masked  []string  // secrets
	json    io.Writer // for the outputs; nil: they are not printed
	file    string    // for the page, next to the runner's; "": none
	jobs    []*job    // in the order in which they begin
	open    *job      // whose group is open; nil: there is no open group
	begun   bool      // the secrets so far are masked, and the log may have lines
	named   bool      // the log has the version
}

// job is what the Reporter knows of one agent.
type job struct {
	name   string // the agent's
	record Record
	title  string // of its current group, which another agent may interrupt; "" for none
}

// New is a Reporter that writes the log to w.
func New(w io.Writer, env gha.Env) *Reporter {
	return &Reporter{env: env, log: gha.NewLog(w, env.OnRunner())}
}

// JSON has Finish print the outputs to out, as one JSON object. The log goes to log
// instead. It has to come before the first event.
func (r *Reporter) JSON(out, log io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.json, r.log = out, gha.NewLog(log, r.log.OnRunner())
}

// File has Finish append the page to a file, too; "" for none.
func (r *Reporter) File(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.file = path
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
		r.cleaner.Secrets = append(r.cleaner.Secrets, untrusted.Encodings(secret)...)
		if r.begun {
			r.log.Mask(secret)
		}
	}
	slices.SortFunc(r.cleaner.Secrets, func(a, b string) int { return len(b) - len(a) }) // as a cleaner needs them
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
	j := r.job(e.Agent)
	items := j.record.add(e)
	r.begin()
	if _, ok := e.Event.(event.Configured); ok && !r.named {
		r.named = true
		if r.Version != "" {
			r.log.Line("Pipecat Cloud Deploy " + r.Version)
		}
	}
	for _, it := range items {
		r.print(j, it)
	}
}

// Finish writes the outputs and the page. The outputs are those of the first
// agent. A file that cannot be written is a warning, and changes nothing else.
func (r *Reporter) Finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := &r.job("").record
	page := func() string { return Page(r.env.Run(), r.records()) }
	if path := r.env.OutputFile(); path != "" {
		r.save(path, func() string { return gha.RenderOutputs(Outputs(first)) },
			"No outputs", "The outputs could not be written, so later steps read none; make GITHUB_OUTPUT writable for this step")
	}
	if path := r.env.SummaryFile(); path != "" {
		r.save(path, page, "No job summary", "The job summary could not be written, and the verdict stands without it; make GITHUB_STEP_SUMMARY writable for this step")
	}
	if r.file != "" {
		r.save(r.file, page, "No summary", "The summary could not be written to the file of -summary, and the verdict stands without it")
	}
	if r.json != nil {
		r.printJSON(first)
	}
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
		if j.title != string(it) {
			j.title = string(it)
			r.openGroup(j)
		}
	case groupEnd:
		j.title = ""
		if r.open == j {
			r.closeGroup()
		}
	case step:
		if j.title == "" && len(r.jobs) > 1 {
			j.title = j.record.agent
		}
		r.enter(j)
		r.log.Line(string(it))
	case line:
		r.enter(j)
		r.log.Line(string(it))
	case foreign:
		r.enter(j)
		r.log.Foreign(string(it))
	case gha.Annotation:
		r.enter(j)
		r.log.Annotate(it)
	}
}

// enter makes the open group the job's, which another agent's may have
// interrupted.
func (r *Reporter) enter(j *job) {
	switch {
	case r.open == j:
	case j.title != "":
		r.openGroup(j)
	case r.open != nil:
		r.closeGroup()
	}
}

func (r *Reporter) openGroup(j *job) {
	r.open = j
	title := j.title
	if len(r.jobs) > 1 && !strings.Contains(title, j.record.agent) {
		title = j.record.agent + ": " + title
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

// save appends what is rendered to a file.
func (r *Reporter) save(path string, render func() string, title, otherwise string) {
	defer r.survive()
	if err := gha.AppendFile(path, render()); err != nil {
		r.warn(title, fmt.Sprintf("%s: %v", otherwise, cause(err)))
	}
}

// printJSON prints the outputs as JSON.
func (r *Reporter) printJSON(record *Record) {
	defer r.survive()
	if _, err := io.WriteString(r.json, JSON(record)); err != nil {
		r.warn("No JSON", fmt.Sprintf("The outputs could not be printed: %v", cause(err)))
	}
}

// warn says in the log and on the first agent's page that something is not
// written.
func (r *Reporter) warn(title, text string) {
	j := r.job("")
	a := annotation(r.cleaner, gha.Annotation{Kind: gha.Warning, Title: title, Text: text})
	j.record.note(a)
	r.print(j, a)
}

// cause leaves out of a file's error what its sentence has said.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
