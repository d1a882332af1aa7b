// Pipecat-cloud-deploy puts a new version of a voice agent on Pipecat Cloud,
// waits until it serves, and says by its exit status whether it does.
//
// It is a GitHub Action (see action.yml), and runs by hand: -h lists its flags.
package main

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/stopping"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/internal/version"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/summary"
)

func main() {
	debug.SetMemoryLimit(26 << 20) // what is read may be large, and garbage need not be
	ctx := stopping.Signals(context.Background())
	stdout, stderr := stopping.Writer(ctx, os.Stdout), stopping.Writer(ctx, os.Stderr)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), stdout, stderr, http.DefaultTransport))
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer, transport http.RoundTripper) int {
	env := gha.Environ(environ)
	report := summary.New(stdout, stderr, env)
	return stopping.Job(ctx, func() (verdict.Status, error) {
		report.Mask(config.Masked(env)...)
		cfg, err := config.Load(args, env)
		if config.Inform(stdout, err, version.Name()) {
			return "", stopping.ErrNothing
		}
		report.Configure(summary.Options{Version: version.Name(), File: cfg.Summary, When: cfg.JobSummary, JSON: cfg.JSON})
		log := event.Emitter{Agent: cfg.AgentName, Step: event.Inputs, Handle: report.Handle}
		log.Emit(cfg.Event())
		if invalid, ok := err.(config.Problems); ok {
			log.Emit(event.InvalidInputs{Problems: invalid})
			return "", invalid.Failure()
		}
		return newJob(cfg, transport, log).do(ctx)
	}, func(result verdict.Result) bool { return report.End(ctx, result) })
}

// job puts one version on one agent.
type job struct {
	cfg      config.Config
	want     deploy.Request
	api      *pipecat.Client // whose reads are tried again a few times
	once     *pipecat.Client // whose reads are not, because polling continues by itself
	log      event.Emitter
	policy   poll.Policy
	accepted *deploy.Accepted // nil until the platform has accepted the update
	deadline time.Time        // of the update and its rollout
}

func newJob(cfg config.Config, transport http.RoundTripper, log event.Emitter) *job {
	once := cfg.Client("pipecat-cloud-deploy/"+version.Name(), transport)
	api := once
	api.Retries, api.Retrying = 4, func(err *pipecat.Error, wait time.Duration) {
		log.Emit(event.Retrying{Try: event.TryRead, Err: err, In: wait})
	}
	return &job{cfg: cfg, want: request(cfg), api: &api, once: &once, log: log,
		policy: poll.Policy{MaxRestarts: cfg.MaxRestarts, MinReady: cfg.MinReady}}
}

// do is the whole job: where the new version fails, it says why, and goes back.
func (j *job) do(ctx context.Context) (verdict.Status, error) {
	work := j.rollOut
	if j.cfg.CheckOnly {
		work = j.check
	}
	status, err := work(ctx)
	if err == nil && status.Serves() {
		err = j.verify(ctx)
	}
	if err != nil {
		err = j.revert(ctx, j.diagnose(ctx, err))
	}
	return status, err
}

// rollOut makes the update, and waits until the new deployment serves.
func (j *job) rollOut(ctx context.Context) (verdict.Status, error) {
	plan, err := j.prepare(ctx)
	if err != nil {
		return "", err
	}
	j.log.In(event.Update).Emit(plan.Event())
	if j.cfg.DryRun {
		return verdict.Planned, nil
	}
	j.deadline = time.Now().Add(j.cfg.WaitTimeout)
	plan, err = deploy.StoreSecrets(ctx, j.api, plan, j.deadline, j.log.In(event.Secrets))
	if err == nil && plan.Stored {
		stored := poll.Stored{Set: plan.Settings.SecretSet, Before: plan.Baseline.SecretSet, Secrets: j.want.Secrets}
		err = poll.SecretSet(ctx, j.once, stored, j.deadline, j.log.In(event.Secrets))
	}
	if err == nil && plan.Stored { // for which a while goes by, too
		plan, err = plan.Renew(ctx, j.api, j.log.In(event.Update))
	}
	if err != nil {
		return "", err
	}
	accepted, err := deploy.Apply(ctx, j.api, plan, j.deadline, j.log.In(event.Update))
	if err != nil {
		return "", err
	}
	j.accepted = &accepted
	policy := j.policy.WithMinReplicas(accepted.Plan.MinReplicas)
	policy.AcceptedOnly = !j.cfg.WaitForReady
	return accepted.Status(j.cfg.WaitForReady), poll.Rollout(ctx, j.once, j.want.Agent, accepted.Target(), policy, j.deadline, j.log.In(event.Rollout))
}

// prepare finds out what is to change, and has it built. The agent is not touched.
func (j *job) prepare(ctx context.Context) (deploy.Plan, error) {
	log := j.log.In(event.Build)
	plan, err := deploy.Prepare(ctx, j.api, j.want, log)
	if err != nil || plan.Artifact.Build == nil {
		return plan, err
	}
	if a := &plan.Artifact; a.Building() {
		build := poll.Awaited{ID: a.Build.ID, Started: a.Started, Deadline: a.Deadline, LogLines: j.cfg.LogLines}
		if a.Build, err = poll.Build(ctx, j.once, build, log); err != nil {
			return plan, err
		}
	}
	return plan.Renew(ctx, j.api, event.Emitter{}) // a build takes minutes, and someone may have deployed since
}

// check takes the current deployment for the one to verify. Nothing is changed.
func (j *job) check(ctx context.Context) (verdict.Status, error) {
	current, err := deploy.Current(ctx, j.api, j.want, j.log.In(event.Rollout))
	if err != nil {
		return "", err
	}
	j.accepted, j.deadline = &current, time.Now().Add(j.cfg.WaitTimeout)
	return verdict.Checked, poll.Rollout(ctx, j.once, j.want.Agent, current.Target(), j.policy.WithMinReplicas(current.Plan.MinReplicas), j.deadline, j.log.In(event.Rollout))
}

// verify calls the deployment that serves, and watches its real calls for a while,
// where that is asked for.
func (j *job) verify(ctx context.Context) error {
	if call := j.cfg.Call; call.Asked() {
		caller, err := deploy.NewCaller(ctx, j.api, j.want, j.accepted.Target(), j.log.In(event.Call))
		if err != nil {
			return err
		}
		test := poll.TestCall{Agent: j.want.Agent, Road: call.Road, Target: j.accepted.Target(), Alone: caller.Alone(), Timeout: call.Timeout,
			Plan: call.Plan(), Place: caller.Place, End: caller.End}
		if err := poll.Call(ctx, j.once, test, j.log.In(event.Call)); err != nil {
			return err
		}
	}
	return poll.Bake(ctx, j.once, j.want.Agent, j.accepted.Target(), j.policy, j.cfg.BakeTime, j.log.In(event.Bake))
}

// diagnose shows what broke, and returns the failure with its cause.
func (j *job) diagnose(ctx context.Context, failure error) error {
	log, scene := j.log.In(event.Rollout), diagnosis.Scene{Profile: j.want.Settings.AgentProfile, Context: j.want.Source}
	if j.accepted != nil {
		scene.Profile = cmp.Or(scene.Profile, j.accepted.Agent.AgentProfile)
		if verdict.Of("", failure).Reason().Ran() && j.cfg.LogLines > 0 {
			scene.Log = poll.AgentLog(ctx, j.once, j.want.Agent, j.accepted.ID, j.cfg.LogLines, j.cfg.LogTimeout(j.deadline), log)
		}
	}
	d, explained := diagnosis.Explain(j.cfg.Workspace, failure, scene)
	log.Emit(event.Diagnosed{Diagnosis: d})
	return explained
}

// revert restores what a failed deployment changed, where that is asked for and
// possible, and returns the failure with how that ended.
func (j *job) revert(ctx context.Context, failure error) error {
	if j.accepted == nil || !j.cfg.RollbackOnFailure {
		return failure
	}
	log := j.log.In(event.Revert)
	plan := j.accepted.Plan
	back, err := plan.Revert(*j.accepted, failure)
	if err != nil {
		log.Emit(event.NotReverted{Err: err})
		return failure
	}
	log.Emit(back.Event())
	deadline := time.Now().Add(j.cfg.WaitTimeout)
	restored, err := deploy.Apply(ctx, j.api, back, deadline, log)
	if err == nil {
		err = poll.Rollout(ctx, j.once, j.want.Agent, restored.Target(), j.policy, deadline, log)
	}
	_, err = diagnosis.Explain(j.cfg.Workspace, err, diagnosis.Scene{}) // of the first failure alone there is a page
	return plan.Reverted(failure, restored, err)
}

// request is what a user asks for, as deploy has it.
func request(cfg config.Config) deploy.Request {
	return deploy.Request{Agent: cfg.AgentName, Region: cfg.Region, Settings: cfg.Settings,
		Secrets: cfg.Secrets, Latest: cfg.Build.Latest, Source: cfg.Source(), BuildTimeout: cfg.Build.Timeout,
		Call: cfg.Call.Road, CallBody: cfg.Call.Body, CallKey: cfg.Call.PublicKey != "", URL: cfg.APIURL,
		Create: cfg.CreateIfMissing && !cfg.CheckOnly, Force: cfg.ForceRedeploy, Warm: cfg.WaitForReady && cfg.WaitFor == "warm", Rollback: cfg.RollbackOnFailure, DryRun: cfg.DryRun}
}
