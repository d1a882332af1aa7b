// Package event has all that can happen in a job, as values. What deploys and what
// polls emits them; what shows them to people handles them. Neither knows the
// other.
package event

import (
	"fmt"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/hearing"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

// Step is a part of a job's story.
type Step string

const (
	Inputs  Step = "inputs"
	Build   Step = "build"
	Secrets Step = "secrets"
	Update  Step = "update"
	Rollout Step = "rollout"
	Call    Step = "test-call"
	Bake    Step = "bake"
	Revert  Step = "rollback"
)

// Steps has each step, in the order of a job. Tests use it to check that every kind is
// handled in every step.
func Steps() []Step {
	return []Step{Inputs, Build, Secrets, Update, Rollout, Call, Bake, Revert}
}

// Event is one of the types below: plain data that nothing changes afterwards.
type Event interface{ isEvent() }

// Entry is an event with the agent that it is about, the step that it is in, and
// the time when it happened.
type Entry struct {
	Agent string
	Step  Step
	At    time.Time
	Event Event
}

// Emitter stamps events, and hands them on. The zero Emitter drops them.
type Emitter struct {
	Agent  string
	Step   Step
	Handle func(Entry)
}

// In is the emitter of another step.
func (e Emitter) In(s Step) Emitter {
	e.Step = s
	return e
}

// Emit hands an event on.
func (e Emitter) Emit(ev Event) {
	if e.Handle != nil {
		e.Handle(Entry{Agent: e.Agent, Step: e.Step, At: time.Now(), Event: ev})
	}
}

// Problem is something about an input that a person should correct.
type Problem struct {
	Input string // the input's name, or the config file's key
	Text  string // what was found and what would be right, in a line
	File  string // the config file, where the problem is in it
	Line  int    // in File; 0 when it is not known
}

// With is a problem at the same place.
func (p Problem) With(format string, args ...any) Problem {
	p.Text = fmt.Sprintf(format, args...)
	return p
}

// String is the problem in a line, after where it is.
func (p Problem) String() string {
	where := p.Input
	if p.File != "" {
		where = p.File
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d", p.File, p.Line)
		}
		if p.Input != "" {
			where += ": " + p.Input
		}
	}
	if where == "" {
		return p.Text
	}
	return where + ": " + p.Text
}

// Try is what is tried again.
type Try string

const (
	TryRead         Try = "read"          // of anything, before the update
	TrySecrets      Try = "secrets"       // to be stored in their set
	TryUpdate       Try = "update"        // or, in a rollback, its own
	TryLookup       Try = "lookup"        // of the agent, after an update whose response was lost
	TryUpload       Try = "upload"        // of the build context
	TryBuildRequest Try = "build-request" // to build what was uploaded
	TryCall         Try = "call"          // a test call that proved nothing yet
)

// Activity is what makes progress.
type Activity string

const (
	Packing   Activity = "packing"
	Uploading Activity = "uploading"
)

// SecretChange is what a job puts into a secret set. No event has a value.
type SecretChange struct {
	Set              string
	Create           bool     // the set does not exist
	New, Overwritten []string // names
}

// Source is what printed an Output.
type Source string

const (
	AgentLog  Source = "agent-log"  // its last lines, after a failure
	BuildLog  Source = "build-log"  // as it comes
	BuildTail Source = "build-tail" // its last lines, after a failure
)

type (
	// Configured is what a job is asked to do. It is the first event.
	Configured struct {
		Region   string
		Image    string
		BuildID  string // "" for none, and for the latest
		APIURL   string
		File     string   // the config file that was read; "" for none
		FileKeys []string // those of its keys that count
		// BuildsUnasked says that the job builds because the file, as all that is asked
		// for, names neither image nor build.
		BuildsUnasked bool
		Sources       map[string]string // the file's name for each input that was set there
		DryRun        bool
		Warnings      []Problem // may not be what was meant
		Notices       []Problem // are good to know
	}

	// InvalidInputs are all that is wrong with the inputs. Nothing is sent.
	InvalidInputs struct{ Problems []Problem }

	// BuildFound is a build that is there already, and is deployed.
	BuildFound struct {
		ID, Region, ContextHash string
		CreatedAt               time.Time
		Latest                  bool // the newest of its region; else it has the same build context
	}

	// BuildStarted is a build that the platform has begun, or has made before.
	BuildStarted struct {
		ID     string
		Reused bool // it was made before
	}

	// BuildStatus is a build's new status.
	BuildStatus struct {
		ID, Status string
		Elapsed    time.Duration // since the wait began
	}

	// Packed is a build context that is packed.
	Packed struct {
		Unpacked, Size int64 // bytes
		Files          int
		Hash           string
		Excluded       int      // files, and folders with all that is in them, that the rules leave out
		ByInput        bool     // build-exclude is one of these rules
		IgnoreFile     string   // "" when there is none
		Secrets        []string // that are excluded because they may be secrets
		NamedSecrets   []string // that may be secrets, and are included because a pattern names them
		Irregular      []string // excluded because they are neither a file nor a link
		Took           time.Duration
	}

	// Missing is what a Dockerfile takes from its build context, and what is not in
	// it. The build has not begun, and may fail by it.
	Missing struct {
		Dockerfile string // its path in the workspace
		IgnoreFile string // as Packed has it
		Context    string // its path in the workspace; "" for all of it
		Sources    []buildcontext.Missing
	}

	// Progress is how far an Activity is. Its first one has Done 0.
	Progress struct {
		Activity          Activity
		Done, Total       int64 // bytes
		Files, TotalFiles int   // while packing
		Elapsed           time.Duration
	}

	// Uploaded is a build context that is uploaded.
	Uploaded struct {
		Size int64 // bytes
		Took time.Duration
	}

	// Planned is a change that is about to be made, or would be in a dry run.
	Planned struct {
		Create           bool   // the agent does not exist
		Near             string // another agent that may be meant by its name; "" for none
		Region           string // the agent's; "" when the platform chooses it
		Previous         string // of the deployment before; "" for none
		PreviousImage    string // as its document shows it; "" when it does not
		PreviousHidden   bool   // that image is a build's, which the document hides
		Image            string // that is deployed; "" for a build, and when the agent keeps its own
		BuildID          string // that is deployed; "" for none, and for one that is yet to be made
		BuildStatus      string
		FromBuild        bool // a build is deployed, even one that is yet to be made
		Changes          []settings.Change
		Force            bool
		NeedsDeployment  bool // it makes a new deployment, as far as the agent's document shows
		ScalingOnly      bool
		Secrets          *SecretChange     // that comes before the update; nil: none
		Rollback         bool              // it is rolled back if it fails
		Irreversible     string            // why it cannot be rolled back; "" when it can
		NotReported      []string          // settings that a rollback leaves as asked for
		Reversal         []settings.Change // what restores the previous deployment, by the job or by hand; nil for nothing
		RevertNeedsBuild bool              // that lacks the id of the build that ran before
		Lasting          []string          // why the rest of it cannot be put back by hand either
		RevertsID        string            // id of the failed deployment that this change undoes; "" when it is no rollback
		RevertedFailure  string            // why that one failed
	}

	// SecretsStored are secrets that the platform has accepted for a set, which it is
	// yet to provision.
	SecretsStored struct {
		Set    string
		Region string // the set's
	}

	// SecretsStatus is a secret set's new status.
	SecretsStatus struct {
		Set, Status string
		Elapsed     time.Duration // since the wait began
	}

	// Retrying is a request that failed or shows nothing yet, and is sent again.
	Retrying struct {
		Try Try
		Err error         // nil: it shows nothing yet
		In  time.Duration // until then
	}

	// ResponseLost is an update without a clear response. The agent is read to see
	// whether the platform accepted it.
	ResponseLost struct {
		Err     error
		Refused bool // a later request was refused, but an earlier one may have been accepted
	}

	// Accepted is an update that the platform accepted.
	Accepted struct {
		ID       string // of the deployment that is desired now
		Previous string // of the one before; "" for a new agent
		Region   string // "" when the response does not show it
		Warning  string // the platform's words; "" for none
	}

	// Observed is a read of the agent during a rollout.
	Observed struct {
		revision.Observation
		Changed bool          // there is something new to show
		Elapsed time.Duration // since the wait began
	}

	// Heartbeat says that nothing has changed for a while.
	Heartbeat struct {
		Still   string // completes "still …"
		For     time.Duration
		Elapsed time.Duration // since the wait began
	}

	// Unreachable says that the API cannot be read anymore while a job waits.
	Unreachable struct{ Err error }

	// Recovered says that it can be read again.
	Recovered struct{ After time.Duration }

	// PlatformErrors are errors that the platform reports of the deployment, when they
	// are seen first. Some come and go.
	PlatformErrors struct{ Texts []string }

	// PlatformIssue says that the platform reports an infrastructure issue.
	PlatformIssue struct{}

	// WaitEnded says that a wait is over, with whatever result.
	WaitEnded struct{}

	// Output is what an agent or a build printed, or why that is not known.
	Output struct {
		Source Source
		Lines  []string
		Err    error
	}

	// Diagnosed is what broke.
	Diagnosed struct{ diagnosis.Diagnosis }

	// Checking is a deployment that is there, in a job that deploys none.
	Checking struct{ ID, Region, Image, BuildID string }

	// Calling is a test call that begins.
	Calling struct {
		Road    string
		Attempt int // from 1
	}

	// Entrusted are the keys of a test call's session, which nothing may show.
	Entrusted struct{ Keys []string }

	// Called is what a test call has shown, at its end.
	Called struct {
		Road    string
		Session string // the platform's id of it; "" where nobody knows it
		Answer  verdict.Answer
		Cause   verdict.Cause // why it was not answered
		Heard   hearing.Call  // the zero one where nothing could be heard
	}

	// NotEnded is a session of a test call that could not be ended.
	NotEnded struct {
		Session string
		Err     error
	}

	// Baked is what real callers met while the deployment was watched.
	Baked struct {
		Sessions int // of the deployment, that ended
		Failed   int // of these
		Active   int // that go on
		Old      int // sessions that another deployment served during the bake time
		For      time.Duration
		NotRead  bool // the sessions could not be read
		End      bool // it is over
	}

	// NotReverted says why a deployment that failed is not rolled back.
	NotReverted struct{ Err error }

	// Finished is the job's result. It is the last event.
	Finished struct{ verdict.Result }
)

// Irreversible is the Err of NotReverted where the plan has said it before: what it
// changes cannot be put back.
type Irreversible struct{ Why error }

func (e Irreversible) Error() string { return e.Why.Error() }

// Unchanged reports whether the platform made no new deployment.
func (a Accepted) Unchanged() bool { return a.ID == a.Previous }

func (Configured) isEvent()     {}
func (InvalidInputs) isEvent()  {}
func (BuildFound) isEvent()     {}
func (BuildStarted) isEvent()   {}
func (BuildStatus) isEvent()    {}
func (Packed) isEvent()         {}
func (Missing) isEvent()        {}
func (Progress) isEvent()       {}
func (Uploaded) isEvent()       {}
func (Planned) isEvent()        {}
func (SecretsStored) isEvent()  {}
func (SecretsStatus) isEvent()  {}
func (Retrying) isEvent()       {}
func (ResponseLost) isEvent()   {}
func (Accepted) isEvent()       {}
func (Observed) isEvent()       {}
func (Heartbeat) isEvent()      {}
func (Unreachable) isEvent()    {}
func (Recovered) isEvent()      {}
func (PlatformErrors) isEvent() {}
func (PlatformIssue) isEvent()  {}
func (WaitEnded) isEvent()      {}
func (Output) isEvent()         {}
func (Diagnosed) isEvent()      {}
func (Checking) isEvent()       {}
func (Calling) isEvent()        {}
func (Entrusted) isEvent()      {}
func (Called) isEvent()         {}
func (NotEnded) isEvent()       {}
func (Baked) isEvent()          {}
func (NotReverted) isEvent()    {}
func (Finished) isEvent()       {}

// Kinds has one of each type. Tests use it to check that every kind is handled.
func Kinds() []Event {
	return []Event{
		Configured{}, InvalidInputs{}, BuildFound{}, BuildStarted{}, BuildStatus{}, Packed{}, Missing{}, Progress{}, Uploaded{},
		Planned{}, SecretsStored{}, SecretsStatus{}, Retrying{}, ResponseLost{}, Accepted{}, Observed{}, Heartbeat{}, Unreachable{}, Recovered{},
		PlatformErrors{}, PlatformIssue{}, WaitEnded{}, Output{}, Diagnosed{}, Checking{}, Calling{}, Entrusted{}, Called{}, NotEnded{}, Baked{}, NotReverted{}, Finished{},
	}
}
