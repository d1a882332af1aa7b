// Package verdict has the words for how a job ended, and why. Their spelling is
// what workflows read in the outputs status and failure-reason.
package verdict

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Status is how a job ended.
type Status string

const (
	Ready      Status = "ready"       // the revision that was asked for serves
	Deployed   Status = "deployed"    // the update was accepted and not waited for
	Unchanged  Status = "unchanged"   // the platform made no new deployment
	Planned    Status = "planned"     // a dry run: nothing was sent
	Checked    Status = "checked"     // nothing was deployed, and the current version serves
	Failed     Status = "failed"      // refused, or the build or the revision failed
	TimedOut   Status = "timed-out"   // no verdict before the deadline
	Superseded Status = "superseded"  // another client has deployed since
	Cancelled  Status = "cancelled"   // the job was stopped; the rollout continues
	RolledBack Status = "rolled-back" // failed, and the previous deployment is restored
)

// Statuses are all of them, the best first.
func Statuses() []Status {
	return []Status{Ready, Deployed, Unchanged, Planned, Checked, Failed, TimedOut, Superseded, Cancelled, RolledBack}
}

// OK reports whether a job that ends so is green.
func (s Status) OK() bool {
	return s == Ready || s == Deployed || s == Unchanged || s == Planned || s == Checked
}

// Serves reports whether a deployment serves in a job that ends so, which can then be
// called and watched.
func (s Status) Serves() bool { return s == Ready || s == Unchanged || s == Checked }

// ExitCode is 0 for green and 1 for red.
func (s Status) ExitCode() int {
	if s.OK() {
		return 0
	}
	return 1
}

// Reason is why a job is red.
type Reason string

const (
	Inputs           Reason = "inputs"
	Auth             Reason = "auth"
	Refused          Reason = "refused"
	Build            Reason = "build"
	Secrets          Reason = "secrets" // they were not stored, or their set was not provisioned
	Crash            Reason = "crash"
	OutOfMemory      Reason = "out-of-memory"
	ImagePull        Reason = "image-pull"
	ImagePlatform    Reason = "image-platform"
	NotScheduled     Reason = "not-scheduled"
	NotReady         Reason = "not-ready"
	ReasonNoAnswer   Reason = "no-answer" // proof that callers are not served
	ReasonUnproven   Reason = "unproven"  // a test call that proved nothing
	Bake             Reason = "bake"      // what happened while the deployment was watched
	Infrastructure   Reason = "infrastructure"
	ReasonSuperseded Reason = "superseded"
	ReasonCancelled  Reason = "cancelled"
	API              Reason = "api"
	Internal         Reason = "internal" // a fault of this program's own
)

// Reasons are all of them, in the order in which users read them.
func Reasons() []Reason {
	return []Reason{Inputs, Auth, Refused, Build, Secrets, Crash, OutOfMemory, ImagePull, ImagePlatform, NotScheduled, NotReady,
		ReasonNoAnswer, ReasonUnproven, Bake, Infrastructure, ReasonSuperseded, ReasonCancelled, API, Internal}
}

// Ran reports whether it is the agent's own code that failed, so that its log may
// show the cause.
func (r Reason) Ran() bool {
	return r == Crash || r == OutOfMemory || r == NotReady || r == ReasonNoAnswer || r == Bake
}

// Cause is finer than a Reason, only where the advice depends on it.
type Cause string

const (
	NotPacked         Cause = "not-packed"          // the build context, so that nothing was sent
	BuildTimedOut     Cause = "build-timed-out"     // the platform gave the build up
	BuildStillRunning Cause = "build-still-running" // build-timeout was up first
	TooFewReplicas    Cause = "too-few-replicas"    // it serves, with fewer ready replicas than wait-for asks for
)

// Failure is why a step did not do what was asked. It is an error, and the only
// one whose words reach users. Nothing reads its words back.
type Failure struct {
	Status Status // how the job ends; empty means Failed
	Reason Reason
	Cause  Cause // "" where Reason says it all
	// Message says in a line what happened and what to do about it. It may
	// quote text that is not ours.
	Message string
	// Said is what the agent said of it to its caller or in its log, in a line; "" for
	// none. It is not ours, and the Message does not have it before the diagnosis.
	Said string
	// Evidence is the text behind it, in the order in which people read it: a
	// crash's output, a build's error and its log, the API's response.
	Evidence []Evidence
	// Code is the platform's error code; "" where there is none.
	Code string
	// ExitCode is that of the agent's process; nil where there is none.
	ExitCode *int
	// Advice is what to do, in plain text, where the failure itself says it best; "" where
	// it does not.
	Advice string
	// Rollback is how an attempt to restore the previous deployment ended; nil
	// where there was none.
	Rollback *Rollback
}

// NewSuperseded is the failure of a change in whose place another client's stands.
func NewSuperseded(format string, args ...any) *Failure {
	return &Failure{Status: Superseded, Reason: ReasonSuperseded, Message: fmt.Sprintf(format, args...)}
}

// Unended is the failure of a job that was stopped, and was busy with what cannot be
// interrupted.
func Unended() *Failure {
	return NewCancelled("the job was stopped and did not end by itself; what it had sent stays, and the job's log shows how far it came")
}

// Unwritten is the failure of a job that was stopped while it wrote what it has to report.
func Unwritten() *Failure {
	return NewCancelled("the job was stopped while it wrote its outputs or its summary; what it had done before stays")
}

// NewCancelled is the failure of a job that was stopped.
func NewCancelled(format string, args ...any) *Failure {
	return &Failure{Status: Cancelled, Reason: ReasonCancelled, Message: fmt.Sprintf(format, args...)}
}

// Error returns the Message.
func (f *Failure) Error() string { return f.Message }

// clone is a copy that shares nothing with the failure, which may be nil.
func (f *Failure) clone() *Failure {
	if f == nil {
		return nil
	}
	c := *f
	c.Evidence = slices.Clone(f.Evidence)
	if f.ExitCode != nil {
		c.ExitCode = new(*f.ExitCode)
	}
	if f.Rollback != nil {
		c.Rollback = new(*f.Rollback)
		c.Rollback.Failure = f.Rollback.Failure.clone()
	}
	return &c
}

// Rollback is how an attempt to restore the previous deployment ended.
type Rollback struct {
	Message string   // one line
	Failure *Failure // nil: the previous deployment is restored
	Whole   bool     // everything is as it was
}

// Superseded reports whether another client's deployment took its place. A nil
// Rollback was not.
func (r *Rollback) Superseded() bool {
	return r != nil && r.Failure != nil && r.Failure.Status == Superseded
}

// Result is how a job ended: green without a Failure, or red with one. Only Of
// makes a Result that is green, so that there is no other kind. The zero Result is
// red: nobody has said how the job ended.
type Result struct {
	green   Status
	failure *Failure
}

// Of is the result of a job that ended with a green status, or with an error. A context
// that was cancelled is a job that was stopped before it changed anything; any
// other error that is no *Failure is a fault of this program's own.
func Of(green Status, err error) Result {
	var f *Failure
	switch {
	case errors.As(err, &f):
		failure := f.clone()
		if failure.Status.OK() || !slices.Contains(Statuses(), failure.Status) {
			failure.Status = Failed
		}
		if failure.Reason == "" {
			failure.Reason = Internal
		}
		return Result{failure: failure}
	case errors.Is(err, context.Canceled):
		return Result{failure: NewCancelled("the job was stopped before anything was changed")}
	case err != nil:
		return Result{failure: Broken(err, nil)}
	case !green.OK():
		return Result{}
	}
	return Result{green: green}
}

// Broken is the failure of a job whose program has an internal error, given what it
// panicked with, and where.
func Broken(fault any, stack []byte) *Failure {
	f := &Failure{Status: Failed, Reason: Internal, Message: fmt.Sprintf("internal error in this action (not your agent): %v", fault)}
	f.Show(FromProgram, string(stack))
	return f
}

// Status is the job's.
func (r Result) Status() Status {
	if f := r.Failure(); f != nil {
		return f.Status
	}
	return r.green
}

// Failure is why the job is red, a copy that is the caller's; nil when it is green.
func (r Result) Failure() *Failure {
	if r.failure == nil && r.green == "" {
		return &Failure{Status: Failed, Reason: Internal, Message: "the job ended without a result"}
	}
	return r.failure.clone()
}

// Reason is why the job is red; "" when it is green.
func (r Result) Reason() Reason {
	if f := r.Failure(); f != nil {
		return f.Reason
	}
	return ""
}
