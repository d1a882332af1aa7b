package crash

import "pipecat-cloud-deploy/verdict"

// elsewise ends several entries.
const elsewise = "build the image in the workflow for `linux/arm64`, and set `image`."

// buildHints are for builds that fail. Each looks at a line of the log at a
// time, and those that tell more than others come before them.
var buildHints = []hint{
	// Time.
	{reason: verdict.Build, message: re(`^build \S+ ended as timeout\b|(?i:^(?:the )?build (?:has )?timed[ -]out\b)|\bBUILD_TIMED_OUT\b`), say: "Give the build less to do: a smaller `build-context` by `.dockerignore` or `build-exclude`, and versions with wheels for `linux/arm64`, which need no compiling; or " + elsewise},
	{reason: verdict.Build, message: re(`^build \S+ did not end within build-timeout\b`), say: "Raise `build-timeout`, or deploy the build when it has ended, by its `build-id`."},

	// The Dockerfile, and what it is given.
	{reason: verdict.Build, message: re(`failed to read dockerfile: |(?i:cannot locate (?:specified )?Dockerfile)|unable to evaluate symlinks in Dockerfile path|: resolve : lstat .*: no such file`), say: "Set `dockerfile` to the Dockerfile's path relative to `build-context`, and see that `.dockerignore` and `build-exclude` do not leave it out."},
	{reason: verdict.Build, message: re(`(?i:dockerfile parse error) (?:on )?line (\d{1,6})\b`), say: "Correct line {1} of the file that `dockerfile` names: an instruction such as `RUN` begins each line, but where the line before ends with a backslash."},
	{reason: verdict.Build, message: re(`failed to (?:calculate checksum of ref .*|compute cache key: .*|walk .*)(?:: not found|" not found|: no such file or directory)|^(?:ERROR: )?"/[^"]*"(?: not found)?: not found$|\b(?:COPY|ADD) failed: .*(?:file not found|no such file|file does not exist|no source files|[Ff]orbidden path)|checking on sources under .*: no such file`), say: "Write what `COPY` and `ADD` take relative to `build-context`, and see that `.dockerignore` and `build-exclude` do not leave it out; what `--from` takes must be in that stage."},

	// Base images, as BuildKit and registries speak of them.
	{reason: verdict.Build, message: re(`(?i)no match(?:ing manifest)? for (?:platform|linux)|does not match the specified platform|exec format error`), say: "Take base images, and programs in them, that are there for `linux/arm64`, which alone is built, and set no other `--platform` in `FROM`."},
	{reason: verdict.Build, message: re(`(?i)toomanyrequests|\bpull rate limit\b`), say: "The registry limits how often the base image is pulled: run the job again later, or take it from another registry, such as `public.ecr.aws`."},
	{reason: verdict.Build, message: re(`pull access denied|failed to (?:authorize|fetch (?:anonymous|oauth) token)|failed to resolve source metadata for .*(?:401 |403 |[Uu]nauthorized|[Ff]orbidden|denied)`), say: "Check how the base image in `FROM`, or the stage in `--from`, is spelt; it must be public, as the cloud build has no credentials for a registry, or else " + elsewise},
	{reason: verdict.Build, message: re(`failed to resolve source metadata for .*: not found$|^(?:ERROR: )?[\w.-]+/[\w./-]+(?::[\w.-]+|@sha256:\w+): not found$|manifest(?: for \S+)?(?: not found\b|.* unknown\b)|failed to parse stage name|invalid reference format`), say: "Check the name and the tag of the base image in `FROM`, and of the image that `COPY --from` takes: the registry has none such."},
}
