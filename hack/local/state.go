package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// state is what up leaves for down and status, in .local/state.json.
type state struct {
	APIServer string    `json:"apiServer"`
	Vault     string    `json:"vault"`
	Processes []process `json:"processes"` // in the order of their start
}

type process struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	LogFile string `json:"logFile"`
	// Asked is true for one that removes what it keeps elsewhere when it is asked to end.
	Asked bool `json:"asked,omitempty"`
}

func load(dir string) (state, error) {
	var s state
	content, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(content, &s)
}

func (s state) save(dir string) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "state.json"), append(content, '\n'), 0o600)
}

func (s state) running(dir string) (count int) {
	for _, p := range s.Processes {
		if localenv.Running(p.PID, dir) {
			count++
		}
	}
	return count
}

func status(dir string) error {
	s, err := load(dir)
	if err != nil {
		return err
	}
	if len(s.Processes) == 0 {
		fmt.Println("nothing runs; start it with: go run ./hack/local up")
		return nil
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROGRAM\tPID\tSTATE\tLOG")
	for _, p := range s.Processes {
		word := "ended"
		if localenv.Running(p.PID, dir) {
			word = "runs"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", p.Name, p.PID, word, p.LogFile)
	}
	fmt.Fprintf(table, "\nAPI server %s\nVault      %s\n", s.APIServer, s.Vault)
	if err := table.Flush(); err != nil {
		return err
	}
	if ended := len(s.Processes) - s.running(dir); ended > 0 {
		return fmt.Errorf("%d programs have ended; read their logs, then: go run ./hack/local down", ended)
	}
	return nil
}

// down stops what runs, the last started first, and removes dir.
func down(dir string) error {
	s, err := load(dir)
	if err != nil {
		return err
	}
	count := s.running(dir)
	for i := len(s.Processes) - 1; i >= 0; i-- {
		end := localenv.KillDetached
		if s.Processes[i].Asked {
			end = localenv.StopDetached
		}
		if err := end(s.Processes[i].PID, dir); err != nil {
			return fmt.Errorf("stop %s: %w", s.Processes[i].Name, err)
		}
	}
	fmt.Printf("%d programs stopped\n", count)
	return os.RemoveAll(dir)
}
