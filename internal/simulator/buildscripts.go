package simulator

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

// BuildScript is how a cloud build goes. A line of its Dockerfile picks it, and
// may pick how a deployment of it goes, too: see Scripts. It is
//
//	# simulator: BUILD [DEPLOYMENT]
//
// and without it, or where it names what there is not, both go well.
type BuildScript struct {
	Name, Text string
	After      time.Duration // how long it is pending and building
	Never      bool          // it is pending for ever
	Status     string        // that it ends with; empty: success
	Error      string        // its errorMessage
	Log        string        // see Build
}

const (
	buildLog = `[Container] Entering phase PRE_BUILD
[Container] Downloading and unpacking the build context
[Container] Entering phase BUILD
[Container] Running command docker buildx build --platform linux/arm64
#1 [internal] load build definition from Dockerfile
#2 [internal] load metadata for docker.io/dailyco/pipecat-base:latest
#3 [1/4] FROM docker.io/dailyco/pipecat-base:latest
#4 [2/4] COPY requirements.txt .
#5 [3/4] RUN pip install --no-cache-dir -r requirements.txt
`
	successLog = buildLog + `#5 3.104 Successfully installed pipecat-ai-0.0.98
#6 [4/4] COPY bot.py .
#7 exporting to image
[Container] Phase complete: BUILD State: SUCCEEDED
`
	failedLog = buildLog + `#5 2.871 ERROR: Could not find a version that satisfies the requirement pipecat-ia (from versions: none)
#5 2.873 ERROR: No matching distribution found for pipecat-ia
#5 ERROR: process "/bin/sh -c pip install --no-cache-dir -r requirements.txt" did not complete successfully: exit code: 1
[Container] Phase complete: BUILD State: FAILED
`
)

// BuildScripts lists every script of a build.
func BuildScripts() []BuildScript {
	const s = time.Second
	failed := BuildScript{Name: "failed", Text: "a package cannot be installed", After: 25 * s, Status: pipecat.BuildFailed, Log: failedLog,
		Error: `BUILD: Error while executing command: docker buildx build. Reason: process "/bin/sh -c pip install --no-cache-dir -r requirements.txt" did not complete successfully: exit code: 1`}
	attack := failed
	attack.Name, attack.Text, attack.Error, attack.Log = "hostile", "the build's text attacks the log and the summary", hostile, buildLog+hostile
	return []BuildScript{
		{Name: "ok", Text: "an image after 40 seconds", After: 40 * s},
		{Name: "slow", Text: "an image after four minutes", After: 240 * s},
		{Name: "chatty", Text: "an image after a minute and five thousand lines", After: 60 * s, Log: chatter(5000)},
		failed,
		{Name: "timeout", Text: "is given up by the platform after half an hour", After: 1800 * s, Status: pipecat.BuildTimeout, Error: "Build timed out"},
		{Name: "never", Text: "never starts", Never: true},
		{Name: "stuck", Text: "builds without an end", After: 1e6 * s},
		attack,
	}
}

// logOf is what a build of a status has printed.
func logOf(status string) string {
	switch status {
	case pipecat.BuildFailed:
		return failedLog
	case pipecat.BuildTimeout:
		return buildLog
	}
	return successLog
}

func chatter(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "#5 %d.%03d Collecting package-%04d\n", i/100, i%100*10, i)
	}
	return b.String()
}

// scriptOf is how a build of an upload goes, and the name of the script of its
// deployments.
func (c *Cloud) scriptOf(up *upload, dockerfile string) (script BuildScript, deployed string) {
	fails := func(format string, args ...any) (BuildScript, string) {
		message := fmt.Sprintf(format, args...)
		return BuildScript{After: 5 * time.Second, Status: pipecat.BuildFailed, Error: message, Log: "[Container] Entering phase PRE_BUILD\n" + message + "\n"}, ""
	}
	mark, found := up.marks[dockerfile]
	switch {
	case up.Err != nil:
		return fails("Failed to unpack the build context: %v", up.Err)
	case up.Unpacked > c.maxContext():
		return fails("The build context has %d bytes unpacked, and may have %d", up.Unpacked, c.maxContext())
	case !found && !c.SkipUnpack:
		return fails("failed to read dockerfile: open %s: no such file or directory", dockerfile)
	}
	name := cmp.Or(mark.build, "ok")
	script, known := c.BuildScripts[name]
	if known {
		return script, mark.deployment
	}
	all := BuildScripts()
	script = all[0]
	for _, s := range all {
		if s.Name == name {
			script = s
		}
	}
	return script, mark.deployment
}
