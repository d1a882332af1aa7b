// Package summary shows a deployment to people: the log while it happens,
// annotations, and at the end the action's outputs and the job summary. It
// renders what the other packages decide, and decides nothing.
package summary

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/crash"
	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/inputs"
	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/poll"
)

// Report tells the story of one job. It is given what happens by its methods,
// in order, and Finish last.
type Report struct {
	log     *log
	getenv  func(string) string
	key     inputs.Secret
	started time.Time

	// What is known of the deployment so far.
	agent, region        string
	image, build         string
	deployment, previous string
	change               *deploy.Change
	taken                *deploy.Taken
	document             *pipecat.Agent // as seen last
	look                 poll.Look
	stages               []stage

	dryRun   bool
	lost     bool // an answer was, or may be
	away     bool // the API was
	problems []inputs.Problem
	notes    []string // warnings and notices
	agentLog []string // its last lines
	why      crash.Diagnosis
	grouped  string // the title of the log's group
}

// stage is one that a rollout went through.
type stage struct {
	name  string
	began time.Time
}

// New starts a report to w. getenv has the runner's variables, GITHUB_*, none of
// which needs to be set, and the key, which is never shown.
func New(w io.Writer, getenv func(string) string) *Report {
	return &Report{
		log:     newLog(w, getenv("GITHUB_ACTIONS") == "true"),
		getenv:  getenv,
		key:     inputs.Key(getenv),
		started: time.Now(),
	}
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
func (r *Report) Begin(cfg inputs.Config) {
	defer r.survive()
	r.key, r.dryRun = cfg.APIKey, cfg.DryRun
	if r.key != "" && r.log.action != nil {
		r.log.action.AddMask(string(r.key))
	}
	r.agent, r.image, r.build, r.region = r.line(cfg.AgentName), r.line(cfg.Image), r.line(cfg.BuildID), cfg.Region
	if cfg.File != "" {
		r.log.line("Read %s: %s", cut(r.line(cfg.File), maxLine), strings.Join(cfg.FileKeys, ", "))
	}
	for _, w := range cfg.Warnings {
		r.annotate(warningKind, about(w.Input), w.String(), place{w.File, w.Line})
	}
}

// Problems tells what is wrong with the inputs, an annotation each.
func (r *Report) Problems(problems []inputs.Problem) {
	defer r.survive()
	r.problems = problems
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

// Deploy shows what happens on the way to the deployment.
func (r *Report) Deploy(e deploy.Event) {
	defer r.survive()
	switch e := e.(type) {
	case deploy.Change:
		r.planned(e)
	case deploy.Taken:
		r.wasTaken(e)
	case deploy.Held:
		r.say("The update is not taken yet, and is sent again in %s: %v", span(e.Next), e.Why)
	case deploy.Doubted:
		r.say("An earlier request may have been taken all the same, and the agent is read to see that: %v", e.Why)
	case deploy.Unseen:
		r.say("No new deployment shows yet, and the agent is read again.")
	case deploy.Unread:
		r.say("The agent cannot be read, and is read again in %s: %v", span(e.Next), e.Why)
	case deploy.Lost:
		text := fmt.Sprintf("The update got no clear answer. The agent is read, to see whether it was taken, before anything is sent again: %v", e.Why)
		if r.lost {
			r.say("%s", text)
			return
		}
		r.lost = true
		r.annotate(warningKind, "No clear answer", text, place{})
	}
}

const nothingNew = "nothing changes that needs one. A tag that the agent has is not fetched again, and new values in a secret set do not count: set force-redeploy: true to deploy all the same."

func (r *Report) planned(c deploy.Change) {
	r.change = &c
	r.previous, r.region = c.Previous(), c.Region()
	if c.Before == nil {
		r.group("Create " + r.agent)
		r.say("Agent %s does not exist yet.", r.agent)
	} else {
		r.group("Update " + r.agent)
		r.say("Agent %s exists%s%s.", r.agent, with(" in ", r.region), with(", with deployment ", short(r.previous)))
	}
	for _, s := range c.Plan {
		if s.From != "" {
			r.say("%s: %s", s.Name, becomes(s))
		}
	}
	if b := c.Artefact.Build; b != nil && b.Status != pipecat.BuildSuccess {
		r.annotate(noticeKind, "The build runs", fmt.Sprintf("Build %s is %s, and may fail yet.", r.build, b.Status), place{})
	}
	switch {
	case c.OnlyScales():
	case c.Idle():
		if r.dryRun { // else the platform knows
			r.annotate(warningKind, "Nothing new", "As far as can be seen, this would make no new deployment: "+nothingNew, place{})
		}
	case c.Before != nil && c.Force && !slices.ContainsFunc(c.Plan, deploy.Setting.Changes):
		r.say("Deploy anew what it has.")
	case c.Artefact == deploy.Artefact{}:
		r.annotate(noticeKind, "Settings only", "Neither image nor build-id is set, so the agent keeps its image and only its settings change.", place{})
	}
}

func (r *Report) wasTaken(t deploy.Taken) {
	r.taken = &t
	r.deployment = t.ID
	if t.Agent.Region != "" {
		r.region = t.Agent.Region
	}
	said := ""
	if t.Agent.Warning != "" {
		said = " The platform says: " + t.Agent.Warning
	}
	switch {
	case t.Unchanged() && r.change.OnlyScales():
		r.annotate(noticeKind, "No new deployment", "Scaling alone makes no new deployment, and takes effect by itself."+said, place{})
	case t.Unchanged() && r.change.Force:
		r.annotate(warningKind, "No new deployment", "The platform made no new deployment, although force-redeploy asks for one."+said, place{})
	case t.Unchanged():
		r.annotate(warningKind, "No new deployment",
			"The platform made no new deployment: "+nothingNew+said, place{})
	case t.Previous == "":
		r.say("Taken as deployment %s.", t.ID)
	default:
		r.say("Taken as deployment %s; before, it was %s.", t.ID, short(t.Previous))
	}
	if !t.Unchanged() && t.Agent.Warning != "" {
		r.annotate(warningKind, "The platform warns", t.Agent.Warning, place{})
	}
}

// Poll shows what is seen while waiting.
func (r *Report) Poll(e poll.Event) {
	defer r.survive()
	switch e := e.(type) {
	case poll.AgentSeen:
		r.group("Wait for deployment " + short(r.deployment))
		if e.Look.Stage != poll.Superseded { // which shows nothing of ours
			r.document, r.look = e.Agent, e.Look
		}
		if n := len(r.stages); n == 0 || n < maxStages && r.stages[n-1].name != e.Look.Stage {
			r.stages = append(r.stages, stage{e.Look.Stage, e.At})
		}
		if e.Changed {
			r.at(e.Elapsed, describe(e.Look))
		}
	case poll.BuildSeen:
		r.group("Wait for build " + short(r.build))
		r.at(e.Elapsed, e.Build.Status)
	case poll.Alive:
		r.at(e.Elapsed, fmt.Sprintf("still %s, for %s", e.Stage, span(e.For)))
	case poll.Away:
		if r.away {
			r.say("The API cannot be read again; waiting goes on: %v", e.Err)
			return
		}
		r.away = true
		r.annotate(warningKind, "The API cannot be read", fmt.Sprintf("The API cannot be read; waiting goes on: %v", e.Err), place{})
	case poll.Back:
		r.say("The API can be read again, after %s.", span(e.After))
	case poll.Trouble:
		r.annotate(warningKind, "Trouble at the platform", "The platform tells of an infrastructure issue of its own; if that lasts, ask its support.", place{})
	}
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
	for _, l := range lines {
		r.agentLog = append(r.agentLog, strings.TrimRight(r.block(l.Text), "\n"))
	}
	r.group("The agent's log, " + lastLines(len(lines)))
	r.log.foreign(strings.Join(r.agentLog, "\n"))
}

func lastLines(n int) string {
	if n == 1 {
		return "its last line"
	}
	return fmt.Sprintf("its last %d lines", n)
}

// becomes says what a setting was and is to be.
func becomes(s deploy.Setting) string {
	from := ""
	if s.From != "input" {
		from = " (" + s.From + ")"
	}
	switch {
	case !s.Changes():
		return s.After + ", as before" + from
	case s.Before == "":
		return s.After + from
	}
	return s.Before + " → " + s.After + from
}

// Explain takes note of what broke, for Finish to show.
func (r *Report) Explain(d crash.Diagnosis) { r.why = d }

// describe says what a look shows.
func describe(l poll.Look) string {
	text := l.Stage
	if l.Started > 0 || l.Ready > 0 {
		text += " · " + replicas(l)
	}
	if l.Restarts > 0 {
		text += " · " + plural(l.Restarts, "restart")
	}
	if l.Reason != "" {
		text += " · " + l.Reason
	}
	return text
}

func replicas(l poll.Look) string {
	if l.Ready == 0 && l.Serving == poll.ServesOurs {
		return "none kept warm"
	}
	return fmt.Sprintf("%d ready", l.Ready)
}

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

func (r *Report) annotate(k kind, title, text string, at place) {
	text = cut(r.line(text), maxLine)
	switch k {
	case warningKind:
		r.notes = append(r.notes, "⚠ "+text)
	case noticeKind:
		r.notes = append(r.notes, text)
	}
	at.file = r.line(at.file)
	r.log.annotate(k, r.line(title), text, at)
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
