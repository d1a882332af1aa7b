package main

import (
	"os"
	"os/exec"
	"runtime"

	"pipecat-cloud-deploy/internal/webpage"
)

// writeHTML writes a job summary as the web page that a person sees.
func writeHTML(file string, summary []byte) error {
	page, err := webpage.Render(summary)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(page), 0o644)
}

// open shows a file in the browser.
func open(file string) error {
	command := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if command == nil {
		command = []string{"xdg-open"}
	}
	return exec.Command(command[0], append(command[1:], file)...).Start()
}
