// Package verdict has the words for what a job came to. Their spelling is what
// workflows read in the outputs status and failure-reason.
package verdict

import (
	"context"
	"errors"
)

// Status is the job's end in a word.
type Status string

const (
	Ready      Status = "ready"       // the revision that was asked for serves
	Deployed   Status = "deployed"    // the update was taken and not waited for
	Unchanged  Status = "unchanged"   // the platform made no new deployment
	Planned    Status = "planned"     // a dry run: nothing was sent
	Failed     Status = "failed"      // refused, or the build or the revision failed
	TimedOut   Status = "timed-out"   // no verdict before the deadline
	Superseded Status = "superseded"  // another deployment took over
	Cancelled  Status = "cancelled"   // the job was stopped; the rollout goes on
	RolledBack Status = "rolled-back" // failed, and what ran before is back
)

// Entry is a word with what it means to who reads it.
type Entry struct{ Word, Text string }

// Statuses are all of them, the best first.
func Statuses() []Entry {
	return []Entry{
		{string(Ready), "the revision that this job asked for serves"},
		{string(Deployed), "the update was taken, and not waited for (`wait-for-ready: false`)"},
		{string(Unchanged), "the platform made no new deployment, as nothing that needs one changed, and what it has serves (which `wait-for-ready: false` does not look at); an annotation says so"},
		{string(Planned), "a dry run showed what would change, and sent nothing (`dry-run: true`)"},
		{string(Failed), "the inputs are wrong, the update was refused, or the build or the new revision failed"},
		{string(TimedOut), "there was no verdict within `wait-timeout` or `build-timeout`"},
		{string(Superseded), "another deployment took over while this one rolled out"},
		{string(Cancelled), "the job was stopped; a rollout that it started goes on without it"},
		{string(RolledBack), "the new revision failed, and what ran before is back (`rollback-on-failure: true`)"},
	}
}

// OK reports whether a job that ends so is green.
func (s Status) OK() bool { return s == Ready || s == Deployed || s == Unchanged || s == Planned }

// ExitCode is 0 for green and 1 for red.
func (s Status) ExitCode() int {
	if s.OK() {
		return 0
	}
	return 1
}

// Reason is why a job is red, in a word; empty when it is green.
type Reason string

const (
	Inputs         Reason = "inputs"
	Auth           Reason = "auth"
	Refused        Reason = "refused"
	Build          Reason = "build"
	Crash          Reason = "crash"
	OutOfMemory    Reason = "out-of-memory"
	ImagePull      Reason = "image-pull"
	ImagePlatform  Reason = "image-platform"
	NotScheduled   Reason = "not-scheduled"
	NotReady       Reason = "not-ready"
	Infrastructure Reason = "infrastructure"
	Replaced       Reason = "superseded"
	Stopped        Reason = "cancelled"
	API            Reason = "api"
)

// Reasons are all of them, with what to do about each.
func Reasons() []Entry {
	return []Entry{
		{string(Inputs), "An input or the config file is wrong. Each problem is told with what would be right; no update was sent."},
		{string(Auth), "The API does not take the key. Check that `api-key` is a **Private** key of the organization that owns the agent."},
		{string(Refused), "The platform did not take the update, or will not run it. Its own words say why: a secret set that does not exist, another region, no billing."},
		{string(Build), "The cloud build failed, or did not end in time. Its error says why."},
		{string(Crash), "Your agent's code exits. Its own output says why: start there."},
		{string(OutOfMemory), "The agent needs more memory than it has. Take a larger `agent-profile`."},
		{string(ImagePull), "The image cannot be fetched. Check its name and tag, and `image-credentials` for a private registry."},
		{string(ImagePlatform), "The image is for another processor. Build it for `linux/arm64`."},
		{string(NotScheduled), "No replica was started in time. Look for trouble at the platform, or raise `wait-timeout`."},
		{string(NotReady), "Replicas run, but did not become ready in time. Look at the agent's log, or raise `wait-timeout`."},
		{string(Infrastructure), "The platform says that it has trouble of its own. Try again later, or ask its support."},
		{string(Replaced), "Someone else deployed meanwhile. A `concurrency` group keeps two jobs from racing."},
		{string(Stopped), "The job was stopped. If the update was under way, look at the agent before you run it again."},
		{string(API), "The API did not answer, or not in a way that this action understands. Try again."},
	}
}

// Verdict is what a job, or one step of it, came to. The zero Verdict means
// that there is none yet.
//
// A red one is an error too, so that a step can return it as such; Of finds it
// again.
type Verdict struct {
	Status Status
	Reason Reason
	// Message says in a line what happened and what to do about it. It may
	// quote text that is not ours.
	Message string
	// Detail is the whole text behind it – a crash's output, a build's error,
	// the API's answer – as it came; not ours.
	Detail string
	// Rollback is what a rollback came to; nil where there was none.
	Rollback *Verdict
	// Code is the platform's error code, and Exit the exit code of the agent's
	// process; empty and nil where there is none.
	Code string
	Exit *int
}

// Error returns the Message.
func (v *Verdict) Error() string { return v.Message }

// Of returns the verdict that err carries. A context that was cancelled is a
// job that was stopped before it changed anything; any other error is a failure
// of the API's.
func Of(err error) Verdict {
	var v *Verdict
	if errors.As(err, &v) {
		return *v
	}
	if errors.Is(err, context.Canceled) {
		return Verdict{Status: Cancelled, Reason: Stopped, Message: "the job was stopped before anything was changed"}
	}
	return Verdict{Status: Failed, Reason: API, Message: err.Error()}
}
