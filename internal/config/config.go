// Package config reads what a user asks for – flags, the action's inputs and
// pcc-deploy.toml – into one validated Config, or reports every problem at once.
package config

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
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
	Summary string // empty: to none
	JSON    bool

	// Workspace is the folder of the user's repository; empty: the current one.
	Workspace string

	// Warnings are what was understood, but may not be what was meant.
	Warnings []Problem
}

// Build says which cloud build is deployed. The zero Build is none, or the one
// that Settings.BuildID names.
type Build struct {
	FromSource bool // pack the context, build it, and deploy the result
	Latest     bool // deploy the newest successful build in the agent's region

	Context    string        // in the workspace; empty: all of it
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
	return &buildcontext.Options{Dir: c.Build.Context, Workspace: cmp.Or(c.Workspace, "."), Dockerfile: c.Build.Dockerfile, Exclude: c.Build.Exclude, Temp: c.Build.Temp}
}

// LogTimeout is how long a failure may take to read the agent's log: callers may wait
// for the rollback.
func (c Config) LogTimeout() time.Duration {
	if c.RollbackOnFailure {
		return 3 * time.Second
	}
	return maxWait
}

// Secret is a text that prints as ***.
type Secret string

func (Secret) String() string   { return "***" }
func (Secret) GoString() string { return "***" }

// Problem is one thing to correct.
type Problem = event.Problem

// Problems are all that is wrong with what a user asked for.
type Problems []Problem

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
		File: c.File, FileKeys: c.FileKeys, Sources: c.Sources, DryRun: c.DryRun, Warnings: c.Warnings}
	if c.APIURL != nil {
		e.APIURL = c.APIURL.String()
	}
	return e
}

// value is a setting as it was written, and where.
type value struct {
	text string
	at   Problem // File and Line, and the name that it has there
}

// Key reads the API key: the action's input, or by hand an environment variable.
// It is never a flag, which other processes can see.
func Key(getenv func(string) string) Secret {
	if key := gha.Env(getenv).Input("api-key"); key != "" {
		return Secret(key)
	}
	return Secret(strings.TrimSpace(getenv(keyVariable)))
}

// Load reads flags from args, the action's inputs from getenv, and the config
// file; the first of these that sets a value wins. The error is Problems,
// flag.ErrHelp or ErrVersion.
func Load(args []string, getenv func(string) string) (Config, error) {
	var (
		env      = gha.Env(getenv)
		cfg      = Config{APIKey: Key(getenv), Sources: map[string]string{}, Workspace: env.Workspace(), Build: Build{Temp: env.Temp()}}
		given    = map[string]value{}
		problems Problems
	)
	flags, err := cfg.parseFlags(args)
	if err != nil {
		return cfg, err
	}
	for _, in := range Table() {
		text, ok := flags[in.Name]
		if !ok {
			text = env.Input(in.Name)
		}
		if text != "" && !in.Secret {
			given[in.Name] = value{text, Problem{Input: in.Name}}
		}
	}

	name := given["config-file"].text
	fromFile, wrong := readFile(name, cfg.Workspace)
	problems = append(problems, wrong...)
	// What to deploy is one choice: an input's image or build replaces the file's.
	cloudBuild, _ := yesOrNo(given["cloud-build"].text)
	if given["image"].text != "" || given["build-id"].text != "" || cloudBuild {
		delete(fromFile, "image")
		delete(fromFile, "build-id")
	}
	if exclude := fromFile["build-exclude"]; exclude.text != "" && given["build-exclude"].text != "" {
		both := given["build-exclude"] // whose patterns come last, and so decide
		both.text = exclude.text + "\n" + both.text
		given["build-exclude"] = both
	}
	for name, v := range fromFile {
		if _, ok := given[name]; !ok {
			given[name] = v
			cfg.File = v.at.File
			cfg.FileKeys = append(cfg.FileKeys, v.at.Input)
		}
	}
	slices.Sort(cfg.FileKeys)

	for _, in := range Table() {
		v, ok := given[in.Name]
		if !ok {
			v.text = in.Default
		}
		if v.text == "" && !ok || in.set == nil {
			continue
		}
		if err := in.set(&cfg, v.text); err != nil {
			p := v.at
			p.Text = err.Error()
			problems = append(problems, p)
		}
		if v.at.File != "" {
			cfg.Sources[in.Name] = v.at.File
		}
	}
	problems = append(problems, cfg.setSecrets(secretsText(getenv), given)...)
	problems = append(problems, cfg.check(given)...)
	if len(wrong) == 0 { // else what is missing may be what could not be read
		problems = append(problems, missing(given)...)
	}
	cfg.warn(given)
	if len(problems) > 0 {
		return cfg, problems
	}
	return cfg, nil
}

// check finds what is wrong with the whole where each value is right.
func (c *Config) check(given map[string]value) (problems Problems) {
	wrong := func(name, format string, args ...any) {
		p := given[name].at
		if p.Input == "" {
			p.Input = name
		}
		p.Text = fmt.Sprintf(format, args...)
		problems = append(problems, p)
	}

	switch key := string(c.APIKey); {
	case key == "":
		wrong("api-key", "it is empty; pass a Private key, such as ${{ secrets.PIPECAT_API_KEY }}, "+
			"or by hand set %s (a run for a fork's pull request has no secrets)", keyVariable)
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		wrong("api-key", "it has a space, a line's end or another character that no key has; copy it anew")
	case strings.HasPrefix(key, "pk_"):
		wrong("api-key", "it is a Public key; a deployment needs a Private one (dashboard: Settings > API Keys > Private)")
	}
	image, build := c.Settings.Image, c.Settings.BuildID
	if c.Build.Latest {
		build = latest
	}
	switch {
	case image != "" && build != "":
		wrong("image", "both image (%q) and build-id (%q) are set; keep the one that is to be deployed", image, build)
	case c.Build.FromSource && image != "":
		wrong("cloud-build", "both cloud-build and image (%q) are set; keep the one that is to be deployed", image)
	case c.Build.FromSource && build != "":
		wrong("cloud-build", "both cloud-build and build-id (%q) are set; keep the one that is to be deployed", build)
	}
	if scaling := c.Settings.AutoScaling; scaling != nil && scaling.MinAgents != nil {
		least := *scaling.MinAgents
		if most := scaling.MaxAgents; most != nil && least > *most {
			wrong("min-agents", "%d is above max-agents, which is %d", least, *most)
		}
		if c.WaitFor == "warm" && c.WaitForReady && least < 1 {
			wrong("min-agents", "it is %d, so that no replica is kept warm, and wait-for: warm would wait for none; set it to 1 or more, or wait-for to ready", least)
		}
	}
	if c.MinReady > 0 && c.WaitTimeout > 0 && c.MinReady >= c.WaitTimeout {
		wrong("min-ready-seconds", "%s cannot be held within wait-timeout, which is %s", c.MinReady, c.WaitTimeout)
	}
	return problems
}

// missing finds what must be given, right or wrong, and is not.
func missing(given map[string]value) (problems Problems) {
	if _, ok := given["agent-name"]; !ok {
		problems = append(problems, Problem{Input: "agent-name",
			Text: "it is missing; name the agent here, or as agent_name in " + defaultFile})
	}
	asked := slices.ContainsFunc(Table(), func(in Input) bool {
		v, ok := given[in.Name]
		return ok && in.Change && !strings.EqualFold(v.text, "false")
	})
	if !asked {
		problems = append(problems, Problem{Input: "image",
			Text: "there is nothing to deploy; set image, build-id, cloud-build, or another setting to change"})
	}
	return problems
}

// warn finds values that are accepted, but may not do what was meant.
func (c *Config) warn(given map[string]value) {
	about := func(name, format string, args ...any) {
		p := given[name].at
		p.Text = fmt.Sprintf(format, args...)
		c.Warnings = append(c.Warnings, p)
	}
	switch c.Settings.AgentProfile {
	case "", "agent-1x", "agent-2x", "agent-3x":
	default:
		about("agent-profile", "%s is not a profile known here (agent-1x, agent-2x, agent-3x); it is passed on as it is", quote(c.Settings.AgentProfile))
	}
	if c.RollbackOnFailure && !c.WaitForReady {
		about("rollback-on-failure", "it has no effect: with wait-for-ready: false nobody sees whether the new revision fails")
	}
	if v := given["enable-managed-keys"]; v.text != "" && !strings.EqualFold(v.text, "false") {
		about("enable-managed-keys", "it is ignored: the platform has retired managed keys")
	}
	if v := given[retiredKrisp]; v.text == "true" {
		about(retiredKrisp, "it is ignored: the platform has retired it; use krisp_viva.audio_filter")
	}
	for _, name := range []string{"build-context", "dockerfile", "build-exclude"} {
		// The platform's CLI builds when its file names nothing else, and this asks to.
		if v, ok := given[name]; ok && !c.Build.FromSource && (v.at.File == "" || c.Settings.Image == "" && c.Settings.BuildID == "" && !c.Build.Latest) {
			about(name, "it has no effect: nothing is built unless cloud-build is true")
		}
	}
}
