// Pipecat-cloud-deploy puts a new version of a voice agent on Pipecat Cloud,
// waits until it serves, and says by its exit status whether it does.
//
// It is a GitHub Action (see action.yml), and runs by hand just as well:
// pipecat-cloud-deploy -h lists its flags.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/internal/version"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/summary"

	// The image has no files but the program: these are the certificate authorities
	// that it trusts where the system has none.
	_ "golang.org/x/crypto/x509roots/fallback"
)

// grace is how long the end of a stopped job may take: a runner kills it ten
// seconds after the first signal.
const grace = 1500 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process at once
		time.Sleep(grace)
		os.Exit(1) // something blocks, such as a log that nobody reads
	})
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads changes no verdict
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr, http.DefaultTransport))
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer, transport http.RoundTripper) (code int) {
	report := summary.New(stdout, getenv)
	report.Version = version.Name()
	defer func() {
		if p := recover(); p != nil {
			v := broken(p)
			report.Broke()
			report.Finish(v)
			code = v.Status.ExitCode()
		}
	}()

	cfg, err := config.Load(args, getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		config.Usage(stdout)
		return 0
	case errors.Is(err, config.ErrVersion):
		fmt.Fprintln(stdout, "pipecat-cloud-deploy", version.Name())
		return 0
	}
	if cfg.JSON {
		report.JSON(stdout, stderr)
	}
	report.Begin(cfg)

	var v verdict.Verdict
	var problems config.Problems
	if errors.As(err, &problems) {
		report.Problems(problems)
		v = verdict.Verdict{Status: verdict.Failed, Reason: verdict.Inputs, Message: problems.Error()}
	} else if v, err = rollOut(ctx, cfg, transport, report); err != nil {
		v = verdict.Of(err)
		report.Explain(v, diagnose(v, cfg.Workspace, cfg.Settings.AgentProfile, nil))
	}
	report.Finish(v)
	return v.Status.ExitCode()
}

// job is what a deployment is made with.
type job struct {
	cfg     config.Config
	api     pipecat.Client // whose reads are tried again a few times, up to an update
	waiting pipecat.Client // whose reads are not, for waiting goes on trying by itself
	report  *summary.Report
}

// rollOut makes the deployment that cfg asks for, and waits for its verdict.
func rollOut(ctx context.Context, cfg config.Config, transport http.RoundTripper, report *summary.Report) (verdict.Verdict, error) {
	waiting := pipecat.Client{Base: cfg.APIURL, Key: string(cfg.APIKey), UserAgent: "pipecat-cloud-deploy/" + version.Name(), Transport: transport}
	j := job{cfg: cfg, api: waiting, waiting: waiting, report: report}
	j.api.Retries, j.api.Retrying = 4, report.Retrying

	artefact, err := deploy.Resolve(ctx, &j.api, cfg, &j.waiting, report.Deploy, report.Poll)
	if err != nil {
		return verdict.Verdict{}, err
	}
	change, err := deploy.Plan(ctx, &j.api, cfg, artefact)
	if err != nil {
		return verdict.Verdict{}, err
	}
	report.Deploy(change)
	if cfg.DryRun {
		return verdict.Verdict{Status: verdict.Planned}, nil
	}

	deadline := time.Now().Add(cfg.WaitTimeout)
	taken, v, err := j.make(ctx, change, deadline)
	if err != nil {
		return verdict.Verdict{}, err
	}
	j.explain(ctx, v, taken, deadline)
	if !v.Status.OK() && cfg.RollbackOnFailure {
		v = j.rollBack(ctx, change, taken, v)
	}
	return v, nil
}

// make makes a change, and waits until it serves. An error is a change that was
// not made.
func (j *job) make(ctx context.Context, c deploy.Change, deadline time.Time) (deploy.Taken, verdict.Verdict, error) {
	taken, err := deploy.Apply(ctx, &j.api, c, deadline, j.report.Deploy)
	if err != nil {
		return taken, verdict.Verdict{}, err
	}
	j.report.Deploy(taken)
	if !j.cfg.WaitForReady {
		return taken, taken.Verdict(verdict.Verdict{Status: verdict.Deployed}), nil
	}
	restores := c.Restores
	if taken.Unchanged() {
		restores = ""
	}
	rollout := poll.Rollout{
		Agents: &j.waiting,
		Name:   c.Name,
		Rules: poll.Rules{Ours: taken.ID, Previous: taken.Previous, Made: taken.Agent.DesiredCreatedAt(), Restores: restores,
			MaxRestarts: j.cfg.MaxRestarts, MinReady: j.cfg.MinReady, Warm: c.Warm},
		Deadline: deadline,
		Report:   j.report.Poll,
	}
	return taken, taken.Verdict(rollout.Wait(ctx)), nil
}

// explain shows the agent's log where that may say why the job is red, and what
// broke.
func (j *job) explain(ctx context.Context, v verdict.Verdict, taken deploy.Taken, deadline time.Time) {
	var log []pipecat.LogLine
	if ran(v.Reason) && j.cfg.LogLines > 0 {
		limit := max(time.Second, time.Until(deadline))
		if j.cfg.RollbackOnFailure {
			limit = min(limit, 3*time.Second) // callers may wait for the rollback
		}
		timed, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		var err error
		log, err = j.waiting.Logs(timed, j.cfg.AgentName, taken.ID, j.cfg.LogLines)
		j.report.Logs(log, err)
	}
	j.report.Explain(v, diagnose(v, j.cfg.Workspace, cmp.Or(j.cfg.Settings.AgentProfile, taken.Agent.AgentProfile), log))
}

// rollBack puts back what a change that failed has changed, and waits for that.
func (j *job) rollBack(ctx context.Context, c deploy.Change, made deploy.Taken, failure verdict.Verdict) verdict.Verdict {
	undo, err := deploy.Undo(c, made, failure)
	if err != nil {
		j.report.Deploy(deploy.Kept{Why: err})
		return failure
	}
	j.report.Deploy(undo)
	back, came, err := j.make(ctx, undo, time.Now().Add(j.cfg.WaitTimeout))
	if err != nil {
		came = verdict.Of(err)
	}
	return deploy.RolledBack(c, failure, back, came)
}

// diagnose finds what broke, where in the workspace, and what to do about it. It
// changes no verdict, even if it breaks itself.
func diagnose(v verdict.Verdict, workspace, profile string, log []pipecat.LogLine) (d diagnosis.Diagnosis) {
	defer func() { _ = recover() }()
	if v.Status != verdict.Failed && v.Status != verdict.TimedOut {
		return d
	}
	var files fs.FS
	if root, err := os.OpenRoot(cmp.Or(workspace, ".")); err == nil {
		defer root.Close()
		files = root.FS()
	}
	facts := diagnosis.Facts{Text: cmp.Or(v.Detail, v.Message), ExitCode: v.Exit, Reason: v.Reason, Code: v.Code, Profile: profile}
	if v.Reason == verdict.Build && strings.Contains(v.Message, "ended as "+pipecat.BuildTimeout) {
		facts.Text = v.Message // what it printed last is no cause
	}
	d = diagnosis.Diagnose(facts, files)
	if d.Type == "" { // the platform may tell less than the agent
		var printed strings.Builder
		for _, l := range log {
			printed.WriteString(strings.TrimRight(l.Text, "\n") + "\n")
		}
		facts.Text = printed.String()
		if told := diagnosis.Diagnose(facts, files); told.Type != "" {
			d = told
		}
	}
	return d
}

// ran reports whether a job is red for what the agent's code does, so that its
// log may say why.
func ran(r verdict.Reason) bool {
	return r == verdict.Crash || r == verdict.OutOfMemory || r == verdict.NotReady
}

// broken is the verdict when this program panics.
func broken(p any) verdict.Verdict {
	return verdict.Verdict{Status: verdict.Failed, Reason: verdict.API, Detail: string(debug.Stack()),
		Message: fmt.Sprintf("this action broke, which is its own fault and no verdict on the agent; look at the agent before you run it again, and report this: %v", p)}
}
