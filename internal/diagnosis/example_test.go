package diagnosis_test

import (
	"fmt"
	"testing/fstest"

	"pipecat-cloud-deploy/internal/diagnosis"
	"pipecat-cloud-deploy/internal/verdict"
)

// The traceback names files as they are in the image. The line is found in the
// workspace, where it is only named if it says there what the traceback says.
func ExampleOf() {
	exit := 1
	failure := &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, ExitCode: &exit, Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: `Traceback (most recent call last):
  File "/app/bot.py", line 3, in <module>
    key = os.environ["OPENAI_API_KEY"]
          ~~~~~~~~~~^^^^^^^^^^^^^^^^^^
  File "<frozen os>", line 685, in __getitem__
KeyError: 'OPENAI_API_KEY'
`}}}
	workspace := fstest.MapFS{"server/bot.py": {Data: []byte("import os\n\nkey = os.environ[\"OPENAI_API_KEY\"]\n")}}

	d := diagnosis.Of(failure, diagnosis.Scene{}, workspace)
	fmt.Println(d.Cause)
	fmt.Printf("%s:%d\n", d.Place.File, d.Place.Line)
	fmt.Println(d.Hint)
	// Output:
	// KeyError: 'OPENAI_API_KEY'
	// server/bot.py:3
	// Put `OPENAI_API_KEY` into the secret set that `secret-set` names; a new value reaches the agent with a new deployment, so set `force-redeploy` too.
}
