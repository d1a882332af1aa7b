// Package config reads what a user asks for – flags, the action's inputs and
// pcc-deploy.toml – into one validated Config, or reports every problem at once.
package config

import (
	"cmp"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

// Config is what a user asks for.
type Config struct {
	APIKey Secret
	APIURL *url.URL // with the API's version, such as https://api.pipecat.daily.co/v1

	AgentName string
	Region    string // where the agent is created; empty: the organization's default

	// Settings are what is asked of the agent. What is zero was not asked for,
	// and the agent keeps what it has. At most one of Image, BuildID,
	// Build.FromSource and Build.Latest is set.
	Settings pipecat.Settings

	Build Build

	// Secrets are put into Settings.SecretSet before the update.
	Secrets []pipecat.SecretValue

	Call      Call
	BakeTime  time.Duration // how long to watch once all is well; 0: not
	CheckOnly bool          // deploy nothing, and judge the current deployment

	ForceRedeploy     bool
	CreateIfMissing   bool
	DryRun            bool
	WaitForReady      bool
	WaitFor           string // "ready", or "warm": as many replicas as are kept warm
	WaitTimeout       time.Duration
	MaxRestarts       int
	MinReady          time.Duration
	RollbackOnFailure bool
	LogLines          int // of the agent's log that a failure shows

	// File is the config file that was read, and FileKeys are those of its keys
	// that count: an input may have won over others.
	File     string
	FileKeys []string

	// Sources is the config file's name for each input that was set there.
	Sources map[string]string

	// By hand a job may write its summary to a file, and its outputs as JSON.
	Summary    string // empty: to none
	JobSummary string // when the runner's job summary is written: "always", "on-failure" or "never"
	JSON       bool

	// Workspace is the folder of the user's repository; empty: the current one.
	// WorkingDirectory is the folder in it that the config file and the build context
	// are relative to; empty: the workspace itself.
	Workspace        string
	WorkingDirectory string

	// Warnings are what was understood, but may not be what was meant; Notices are
	// what is good to know.
	Warnings, Notices []Problem
}

// Build says which cloud build is deployed. The zero Build is none, or the one
// that Settings.BuildID names.
type Build struct {
	FromSource bool // pack the context, build it, and deploy the result
	Unasked    bool // that, for the config file names nothing else to deploy
	Latest     bool // deploy the newest successful build in the agent's region

	Context    string        // in the working directory; empty: all of it
	Dockerfile string        // in the context; empty: Dockerfile
	Exclude    []string      // patterns; each may have several lines
	Temp       string        // for temporary files; empty: the system's folder
	Timeout    time.Duration // of the upload and the build
}

// Source is the build context to build; nil where none is.
func (c Config) Source() *buildcontext.Options {
	if !c.Build.FromSource {
		return nil
	}
	dir := c.Build.Context
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.WorkingDirectory, dir)
	}
	return &buildcontext.Options{Dir: dir, Input: c.Build.Context, Workspace: cmp.Or(c.Workspace, "."), Dockerfile: c.Build.Dockerfile, Exclude: c.Build.Exclude, Temp: c.Build.Temp}
}

// LogTimeout is how long a failure may take to read the agent's log, given the deadline
// of the rollout: callers may wait for the rollback.
func (c Config) LogTimeout(deadline time.Time) time.Duration {
	left := max(time.Second, time.Until(deadline))
	if c.RollbackOnFailure {
		return min(left, 3*time.Second)
	}
	return min(left, maxWait)
}

// Client is a client of the API with the job's keys.
func (c Config) Client(userAgent string, transport http.RoundTripper) pipecat.Client {
	client := pipecat.Client{Base: c.APIURL, Key: string(c.APIKey), UserAgent: userAgent, Transport: transport}
	if key := string(c.Call.PublicKey); key != "" {
		client.Public = pipecat.NewPublicClient(c.APIURL, key, userAgent, transport)
	}
	return client
}

// Secret is a text that prints as ***.
type Secret string

func (Secret) String() string   { return "***" }
func (Secret) GoString() string { return "***" }

// Problem is one thing to correct.
type Problem = event.Problem

// Problems are all that is wrong with what a user asked for.
type Problems []Problem

// Failure is that of a job whose inputs are wrong.
func (ps Problems) Failure() *verdict.Failure {
	return &verdict.Failure{Status: verdict.Failed, Reason: verdict.Inputs, Message: ps.Error()}
}

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "; ")
}

// Event is the Config as people are shown it, without the key.
func (c Config) Event() event.Configured {
	e := event.Configured{Region: c.Region, Image: c.Settings.Image, BuildID: c.Settings.BuildID,
		File: c.File, FileKeys: c.FileKeys, BuildsUnasked: c.Build.Unasked, Sources: c.Sources, DryRun: c.DryRun, Warnings: c.Warnings, Notices: c.Notices}
	if c.APIURL != nil {
		e.APIURL = c.APIURL.String()
	}
	return e
}
