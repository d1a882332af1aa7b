package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/suggest"
)

// check finds what is wrong with the whole where each value is right. The other is an
// input that was set in place of the key; "" for none.
func (c *Config) check(given map[string]value, other string) (problems Problems) {
	wrong := func(name, format string, args ...any) {
		p := given[name].at
		if p.Input == "" {
			p.Input = name
		}
		p.Text = fmt.Sprintf(format, args...)
		problems = append(problems, p)
	}

	switch key := string(c.APIKey); {
	case key == "" && other != "":
		wrong("api-key", "it is missing: you set %s, and the input is api-key", other)
	case key == "":
		wrong("api-key", "it is empty; pass a Private key, such as ${{ secrets.PIPECAT_API_KEY }}, or by hand set %s. "+
			"If the secret belongs to an environment, the job must name it (environment: production); pull requests of forks get no secrets", keyVariable)
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		wrong("api-key", "it has a space, a line's end or another character that no key has; copy it again")
	case strings.HasPrefix(key, "pcc_pat_"):
		wrong("api-key", "it is a personal access token, which is for the CLI; a deployment needs a Private key (dashboard: Settings > API Keys > Private)")
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
	if arch, old := c.Settings.Architecture, c.Settings.NodeType; arch != "" && old != "" && arch != old+"64" {
		wrong("architecture", "it is %s, and node-type, its old name, is %s; keep architecture", arch, old)
	}
	if c.Settings.AgentProfile != "" && c.Settings.Resources != nil {
		wrong("agent-profile", "it is %s, and [resources] are set, too; an agent has one or the other", quote(c.Settings.AgentProfile))
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
		wrong("min-ready-seconds", "%s cannot be held within wait-timeout, which is %s", quantity.Limit(c.MinReady), quantity.Limit(c.WaitTimeout))
	}
	return problems
}

// warn finds values that are accepted, but may not do what was meant.
func (c *Config) warn(given map[string]value) {
	about := func(name, format string, args ...any) {
		c.Warnings = append(c.Warnings, given[name].at.With(format, args...))
	}
	if p := c.Settings.AgentProfile; p != "" && !slices.Contains(profiles, p) {
		about("agent-profile", "%s is not a profile known here (%s); it is passed on as it is%s", quote(p), strings.Join(profiles, ", "), didYouMean(profileName(p), profiles))
	}
	if p := c.Region; p != "" && !slices.Contains(pipecat.Regions, p) {
		if near := suggest.Nearest(p, pipecat.Regions); near != "" {
			about("region", "%s is not a region of the platform's own; did you mean %s?", quote(p), near)
		}
	}
	for _, name := range []string{"wait-timeout", "build-timeout"} {
		if n, err := strconv.Atoi(given[name].text); err == nil && n > 0 && n < 60 {
			about(name, "it is %d seconds; write %dm for minutes", n, n)
		}
	}
	if moving(c.Settings.Image) {
		v := given["image"].at.With("%s has a tag that moves from version to version: without force-redeploy it makes no new deployment, and it cannot be rolled back to; give each version its own tag, such as github.ref_name", quote(c.Settings.Image))
		c.Notices = append(c.Notices, v)
	}
	if given["node-type"].text != "" {
		about("node-type", "it is the old name of architecture; write architecture: %s64", c.Settings.NodeType)
	}
	if given[gitRepo].text != "" {
		about(gitRepo, "[git] is not used: the platform builds from that repository by itself, when someone pushes; to build what this job has checked out, set cloud-build: true")
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
	heard := c.Call.Asked() && c.Call.Road != pipecat.Daily
	for _, name := range []string{"max-answer-time", "max-response-time"} {
		switch {
		case given[name].text == "":
		case !heard:
			about(name, "it has no effect: only a test call by webrtc, twilio or websocket is heard")
		case name == "max-response-time" && c.Call.say == "":
			about(name, "it has no effect: without test-call-say the agent has nothing to answer")
		}
	}
	if c.Call.Road == pipecat.Daily && c.Call.Timeout < 10*time.Second {
		about("test-call-timeout", "it is %s, and a session by daily is watched for ten seconds, so that no such call is answered", c.Call.Timeout)
	}
	for _, name := range []string{"build-context", "dockerfile", "build-exclude"} {
		if v, ok := given[name]; ok && !c.Build.FromSource && !v.fromFile() {
			about(name, "it has no effect: nothing is built unless cloud-build is true")
		}
	}
}

// profiles are the platform's own sizes of an agent; an organization may have others.
var profiles = []string{"agent-1x", "agent-2x", "agent-3x"}

// profileName makes a profile's name of what people call it, such as 2x.
func profileName(s string) string {
	return "agent-" + strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "agent"), "-")
}

// quantityPattern is the platform's.
var quantityPattern = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$`)

// setResources takes the config file's [resources]. The whole says that one of them
// which is not there was not left out because it is wrong.
func (c *Config) setResources(cpu, memory value, whole bool) (problems Problems) {
	if !cpu.fromFile() && !memory.fromFile() {
		return nil
	}
	for _, v := range []value{cpu, memory} {
		switch {
		case !v.fromFile() && !whole:
		case !v.fromFile():
			at := cpu.at
			if at.File == "" {
				at = memory.at
			}
			problems = append(problems, at.With("[resources] need both cpu and memory, such as cpu = \"2\" and memory = \"4Gi\""))
		case !quantityPattern.MatchString(v.text):
			problems = append(problems, v.at.With("%s is not a quantity such as 2, \"500m\" or \"4Gi\"", quote(v.text)))
		}
	}
	c.Settings.Resources = &pipecat.Resources{CPU: cpu.text, Memory: memory.text}
	return problems
}

// folder says what is wrong with a folder of the workspace; "" where nothing is.
func folder(workspace, dir string) string {
	if !filepath.IsLocal(dir) {
		return "is outside of the workspace; name a folder in it"
	}
	switch info, err := os.Stat(filepath.Join(workspace, dir)); {
	case errors.Is(err, fs.ErrNotExist):
		text, _ := elsewhere(workspace, dir)
		return "is not in the workspace" + text
	case err != nil:
		return "cannot be opened; name a folder in the workspace"
	case !info.IsDir():
		return "is a file; name the folder that it is in"
	}
	return ""
}
