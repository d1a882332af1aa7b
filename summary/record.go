package summary

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// Record is what is known of one agent's job: its events, folded. Equal events
// make equal records. The zero Record is one of a job without events.
type Record struct {
	// Cleaner makes text from elsewhere fit to be shown. What the job says itself that
	// nothing may show, it hides by itself.
	Cleaner untrusted.Cleaner

	began, ended time.Time // of the first entry, and of Finished or else the last
	finished     bool

	agent, image, build string // clean
	region              string
	asked               event.Configured
	problems            []event.Problem
	context             string // what the build was packed of
	reused              bool   // the build was there before

	plan          *event.Planned  // nil: not known yet
	accepted      *event.Accepted // nil: not known to be
	responsesLost int             // updates without a clear response
	deploymentID  string          // its id
	previous      string          // the id of the one before
	revert        *event.Planned  // the rollback; nil: there is none
	restored      string          // the id of the rollback's deployment
	newer         string          // the id of the deployment of another client that replaced ours
	newerImage    string          // "" where it is not known

	observed    bool                 // rollout is known
	rollout     revision.Observation // its last
	now         revision.State       // the last of all, the rollback's included
	stages      []stage
	callers     callers
	unreachable int // times that the API could not be read anymore

	buildLogged bool // the log has lines of the build's

	agentLog string // its last lines, clean
	logged   int    // how many
	why      diagnosis.Diagnosis
	called   *event.Called // the test call's end; nil: there was none
	baked    *event.Baked  // what was seen last while it was watched; nil: it was not
	notes    []note        // warnings and notices, clean

	status  verdict.Status  // once finished
	failure verdict.Failure // once finished, its message clean; the zero one when the job is green
	printed string          // of the failure, clean; "" where the message has it all
}

// Add folds an entry into the record.
func (r *Record) Add(e event.Entry) { r.add(e) }

// add folds an entry, and returns what the log shows of it.
func (r *Record) add(e event.Entry) []item {
	r.fold(e)
	items := lines(r, e)
	for _, it := range items {
		if n, ok := it.(note); ok && (n.Kind == gha.Warning || n.Kind == gha.Notice) {
			r.notes = append(r.notes, n)
		}
	}
	return items
}

// forget drops the notes about topics, which are no longer true.
func (r *Record) forget(topics ...topic) {
	r.notes = slices.DeleteFunc(r.notes, func(n note) bool { return slices.Contains(topics, n.topic) })
}

func (r *Record) fold(e event.Entry) {
	if r.began.IsZero() {
		r.began = e.At
	}
	if !r.finished {
		r.ended = e.At
	}
	if r.agent == "" {
		r.agent = r.line(e.Agent)
	}
	switch ev := e.Event.(type) {
	default:
		panic(fmt.Sprintf("a record has no place for %T", ev))
	case event.Configured:
		r.asked = ev
		r.region, r.image, r.build = ev.Region, r.line(ev.Image), r.line(ev.BuildID)
	case event.InvalidInputs:
		r.problems = ev.Problems
	case event.BuildFound:
		r.build, r.reused = r.line(ev.ID), true
	case event.BuildStarted:
		r.build, r.reused = r.line(ev.ID), r.reused || ev.Reused
	case event.BuildStatus:
		r.build = cmp.Or(r.build, r.line(ev.ID))
		r.enter(buildPart, ev.Status, e.At)
	case event.Packed:
		r.enter(buildPart, "packing", e.At.Add(-ev.Took))
		r.context = fmt.Sprintf("%s in %s, packed to %s, with hash %s",
			quantity.Size(ev.Unpacked), quantity.Count(ev.Files, "file"), quantity.Size(ev.Size), ev.Hash)
	case event.Progress:
		if ev.Activity == event.Uploading {
			r.enter(buildPart, "uploading", e.At.Add(-ev.Elapsed))
		}
	case event.Uploaded:
		r.enter(buildPart, "uploading", e.At.Add(-ev.Took))
	case event.Planned:
		if e.Step == event.Revert {
			r.revert = &ev
			r.forget(theWayBack)
			return
		}
		r.forget(thePlan, theWayBack)
		r.plan, r.previous, r.region = &ev, ev.Previous, ev.Region
		r.build = cmp.Or(r.build, r.line(ev.BuildID))
	case event.SecretsStatus:
		r.enter(secretsPart, ev.Status, e.At)
	case event.ResponseLost:
		if !ev.Refused {
			r.responsesLost++
		}
	case event.Accepted:
		switch {
		case e.Step != event.Revert:
			r.accepted, r.deploymentID, r.region = &ev, ev.ID, cmp.Or(ev.Region, r.region)
		case !ev.Unchanged():
			r.restored = ev.ID
		}
	case event.Observed:
		r.observe(e, ev)
	case event.WaitEnded:
		r.enter("", "", e.At)
	case event.Unreachable:
		r.unreachable++
	case event.Output:
		switch {
		case len(ev.Lines) == 0:
		case ev.Source == event.AgentLog:
			r.logged, r.agentLog = len(ev.Lines), r.Cleaner.Blocks(ev.Lines)
		case ev.Source == event.BuildLog:
			r.buildLogged = true
		}
	case event.Checking:
		r.deploymentID, r.previous, r.region = ev.ID, ev.ID, ev.Region
		r.image, r.build = r.line(ev.Image), r.line(ev.BuildID)
	case event.Calling:
		r.enter(callPart, "call "+strconv.Itoa(ev.Attempt), e.At)
	case event.Called:
		r.called = &ev
	case event.Baked:
		r.baked = &ev
	case event.Diagnosed:
		r.why = ev.Diagnosis
	case event.NotReverted:
		if errors.As(ev.Err, new(event.Irreversible)) { // else that stays another reason
			r.forget(theWayBack)
		}
	case event.Finished:
		r.finish(ev.Result)
	case event.Missing, event.SecretsStored, event.Retrying, event.Heartbeat, event.Recovered, event.PlatformErrors, event.PlatformIssue, event.NotEnded:
		// The log shows these, and nothing else does.
	case event.Entrusted:
		r.Cleaner = r.Cleaner.Hide(entrusted(ev)...)
	}
}

func (r *Record) observe(e event.Entry, seen event.Observed) {
	part := rolloutPart
	switch e.Step {
	case event.Bake:
		part = bakePart
	case event.Revert:
		part = rollbackPart
	}
	r.enter(part, seen.Stage.String(), e.At)
	if seen.Stage == revision.Superseded { // it shows nothing of the target
		if e.Step != event.Revert {
			r.newer, r.newerImage = seen.DesiredID, seen.Newer
		}
		return
	}
	r.now = seen.State
	r.callers.add(seen.State, r.deploymentID, e.At)
	if e.Step != event.Revert {
		r.observed, r.rollout = true, seen.Observation
	}
}

// finish notes the job's result, with its texts clean.
func (r *Record) finish(result verdict.Result) {
	r.finished, r.status, r.failure, r.printed = true, result.Status(), verdict.Failure{}, ""
	f := result.Failure()
	if f == nil {
		return
	}
	r.failure = *f
	r.failure.Message = r.line(f.Message)
	if output := r.Cleaner.Block(f.Output()); !r.says(output) {
		r.printed = output
	}
	if f.Rollback != nil {
		back := *f.Rollback
		back.Message = r.line(back.Message)
		r.failure.Rollback = &back
	}
}

// says reports whether the failure's message has all of an output: the failure says so, or
// the output's one line is the cause in the diagnosis, but for what a logger puts before it,
// and with that cause the message ends.
func (r *Record) says(output string) bool {
	text, cause := r.line(output), r.line(r.why.Cause)
	isCause := cause != "" && strings.HasSuffix(text, cause) && !strings.Contains(strings.TrimSpace(output), "\n")
	return text == "" || isCause || r.failure.Quoted()
}

// minHidden is how many bytes a text of the platform's has to have to be hidden: a shorter
// one may be a part of any word.
const minHidden = 8

// entrusted are the keys of a session that are hidden.
func entrusted(is event.Entrusted) []string {
	return slices.DeleteFunc(slices.Clone(is.Keys), func(key string) bool { return len(key) < minHidden })
}

// settled is the record with a result: that of a job which nobody finished is the
// zero one.
func (r *Record) settled() *Record {
	if r.finished {
		return r
	}
	end := *r
	end.finish(verdict.Result{})
	return &end
}

func (r *Record) line(s string) string { return r.Cleaner.Line(s) }

func (r *Record) took() time.Duration { return r.ended.Sub(r.began) }

// green reports whether the job is.
func (r *Record) green() bool { return r.status.OK() }
