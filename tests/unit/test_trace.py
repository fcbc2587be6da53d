"""Modules of TorchQuantum as circuits: the same expectations as the module itself."""

from __future__ import annotations

import pytest
import torch
import torchquantum as tq
import torchquantum.functional as tqf

from qfl.errors import InvalidInput
from qfl.quantum.circuit import Feature, Operation, Trainable
from qfl.quantum.engine.program import Program
from qfl.quantum.trace import trace_module


class Mixed(tq.QuantumModule):
    """Encoder, operators with parameters of their own, functions, methods of the device, an inverse."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = tq.GeneralEncoder(tq.encoder_op_list_name_dict["4x4_ryzxy"])
        self.turn = tq.RX(has_params=True, trainable=True)
        self.tie = tq.CRY(has_params=True, trainable=True)
        self.free = torch.nn.Parameter(torch.tensor([0.3, -0.8]))

    def forward(self, device: tq.QuantumDevice, sample: torch.Tensor) -> None:
        self.encoder(device, sample)
        self.turn(device, wires=2)
        self.tie(device, wires=[0, 3])
        device.h(wires=1)
        tqf.s(device, wires=0, inverse=True)
        tqf.rz(device, wires=1, params=2 * self.free[:1] + 0.5)
        tqf.rzz(device, wires=[1, 2], params=self.free[1:])
        device.cnot(wires=[3, 0])


def test_traced_module_has_the_expectations_of_the_module() -> None:
    torch.manual_seed(3)
    module = Mixed()
    circuit = trace_module(module, wires=4, features=16)
    samples = torch.rand(5, 16)
    slots = torch.cat([parameter.detach().reshape(-1) for parameter in module.parameters()])
    device = tq.QuantumDevice(n_wires=4, bsz=5)
    module(device, samples)
    theirs = tq.MeasureAll(tq.PauliZ)(device)
    ours = Program(circuit).expectations(samples.unsqueeze(0), slots.unsqueeze(0))[0]
    torch.testing.assert_close(ours, theirs.detach(), atol=1e-5, rtol=0)


def test_sources_of_angles_by_hand() -> None:
    class Small(tq.QuantumModule):
        def __init__(self) -> None:
            super().__init__()
            self.angle = torch.nn.Parameter(torch.tensor([1.0]))

        def forward(self, device: tq.QuantumDevice, sample: torch.Tensor) -> None:
            tqf.rx(device, wires=0, params=-3 * self.angle)
            tqf.u1(device, wires=0, params=sample[:, 1])

    circuit = trace_module(Small(), wires=1, features=2)
    assert circuit.operations == (Operation("rx", (0,), (Trainable(0, -3.0),)), Operation("u1", (0,), (Feature(1),)))


def test_refuses_an_angle_of_two_numbers() -> None:
    class Product(tq.QuantumModule):
        def __init__(self) -> None:
            super().__init__()
            self.angle = torch.nn.Parameter(torch.tensor([1.0]))

        def forward(self, device: tq.QuantumDevice, sample: torch.Tensor) -> None:
            tqf.rx(device, wires=0, params=self.angle * sample[:, 0])

    with pytest.raises(InvalidInput, match="depends on 2 numbers"):
        trace_module(Product(), wires=1, features=1)


def test_refuses_an_angle_that_is_not_linear() -> None:
    class Square(tq.QuantumModule):
        def __init__(self) -> None:
            super().__init__()
            self.angle = torch.nn.Parameter(torch.tensor([1.0]))

        def forward(self, device: tq.QuantumDevice) -> None:
            tqf.rx(device, wires=0, params=self.angle**2)

    with pytest.raises(InvalidInput, match="not linear"):
        trace_module(Square(), wires=1)


def test_gates_work_again_after_a_trace_that_failed() -> None:
    class Odd(tq.QuantumModule):
        def forward(self, device: tq.QuantumDevice) -> None:
            tqf.qft(device, wires=[0, 1], n_wires=2)

    with pytest.raises(InvalidInput, match="gate = 'qft'"):
        trace_module(Odd(), wires=2)
    device = tq.QuantumDevice(n_wires=1, bsz=1)
    tqf.paulix(device, wires=0)
    assert device.get_states_1d().abs().tolist() == [[0.0, 1.0]]
