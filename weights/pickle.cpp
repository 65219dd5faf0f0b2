#include "weights/pickle.h"

#include <span>
#include <unordered_map>

namespace sapnet::weights {
namespace {

// The opcodes of protocol 2 that PyTorch uses; Python's pickletools documents them.
enum Opcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinUnicode = 'X',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kEmptyDict = '}',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kAppend = 'a',
  kAppends = 'e',
  kSetItem = 's',
  kSetItems = 'u',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kGlobal = 'c',
  kReduce = 'R',
  kBuild = 'b',
  kBinPersistentId = 'Q',
  kProtocol = 0x80,
};

enum class Callable { kOrderedDict, kRebuildTensor, kRebuildParameter };

// Limits time and memory; enough for tens of thousands of tensors at about twenty steps each.
constexpr std::uint64_t kMostSteps = 1'000'000;
constexpr std::uint64_t kLongestName = 200;

class Interpreter {
 public:
  explicit Interpreter(ByteReader& reader) : reader_(reader) {}

  Pickle run() {
    if (reader_.read<std::uint8_t>() != kProtocol || reader_.read<std::uint8_t>() != 2)
      fail("does not use protocol 2, as PyTorch does");
    for (;;) {
      spend(1);
      const std::uint8_t opcode = reader_.read<std::uint8_t>();
      if (opcode == kStop) break;
      step(opcode);
    }
    pickle_.root = pop();
    return std::move(pickle_);
  }

 private:
  using Kind = Value::Kind;

  [[noreturn]] void fail(const std::string& message) const {
    reader_.fail("its pickle (before byte " + std::to_string(reader_.position()) + ") " + message);
  }

  void spend(std::uint64_t steps) {
    steps_ += steps;
    if (steps_ > kMostSteps) fail("is longer than any weight file needs");
  }

  void step(std::uint8_t opcode) {
    switch (opcode) {
      case kMark:
        return marks_.push_back(stack_.size());
      case kNone:
        return push(Kind::kOpaque, 0);
      case kNewTrue:
        return push(Kind::kBool, 1);
      case kNewFalse:
        return push(Kind::kBool, 0);
      case kBinInt:
        return push(Kind::kInteger, static_cast<std::int32_t>(reader_.read<std::uint32_t>()));
      case kBinInt1:
        return push(Kind::kInteger, reader_.read<std::uint8_t>());
      case kBinInt2:
        return push(Kind::kInteger, reader_.read<std::uint16_t>());
      case kLong1:
        return push_long(reader_.read<std::uint8_t>());
      case kBinFloat:
        reader_.take(8);
        return push(Kind::kOpaque, 0);
      case kBinString:
      case kBinUnicode:
        return push_text(reader_.read<std::uint32_t>());
      case kShortBinString:
        return push_text(reader_.read<std::uint8_t>());
      case kEmptyList:
      case kEmptyTuple:
        return push_sequence({});
      case kEmptyDict:
        return push_dict({});
      case kTuple:
        return push_sequence(pop_marked());
      case kTuple1:
        return push_sequence(pop_some(1));
      case kTuple2:
        return push_sequence(pop_some(2));
      case kTuple3:
        return push_sequence(pop_some(3));
      case kAppend:
        return append(pop_some(1));
      case kAppends:
        return append(pop_marked());
      case kSetItem:
        return set_items(pop_some(2));
      case kSetItems:
        return set_items(pop_marked());
      case kBinPut:
        return put(reader_.read<std::uint8_t>());
      case kLongBinPut:
        return put(reader_.read<std::uint32_t>());
      case kBinGet:
        return get(reader_.read<std::uint8_t>());
      case kLongBinGet:
        return get(reader_.read<std::uint32_t>());
      case kGlobal:
        return global();
      case kReduce:
        return reduce();
      case kBuild:
        return build();
      case kBinPersistentId:
        return persistent_id();
      default:
        fail("holds the instruction " + name_of(opcode) +
             ", which no weight file needs; nothing was executed");
    }
  }

  static std::string name_of(std::uint8_t opcode) {
    const char byte = static_cast<char>(opcode);
    return in_quotes({&byte, 1});
  }

  // The stack. Values below the last mark are inaccessible, as in Python.

  void push(Kind kind, std::int64_t number) { stack_.push_back({kind, number}); }

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  std::vector<Value> pop_some(std::size_t count) {
    if (stack_.size() - floor() < count) fail("pops from an empty stack");
    const std::vector<Value> values(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return values;
  }

  Value pop() { return pop_some(1).front(); }

  std::vector<Value> pop_marked() {
    if (marks_.empty()) fail("pops from an empty stack");
    std::vector<Value> values = pop_some(stack_.size() - marks_.back());
    marks_.pop_back();
    return values;
  }

  Value& top() {
    if (stack_.size() == floor()) fail("pops from an empty stack");
    return stack_.back();
  }

  void put(std::uint32_t slot) { memo_[slot] = top(); }

  void get(std::uint32_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) fail("recalls the value " + std::to_string(slot) + ", which it never stored");
    stack_.push_back(found->second);
  }

  // Values.

  void push_long(std::uint8_t length) {
    if (length > 8) fail("holds an integer of " + std::to_string(length) + " bytes");
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < length; ++i) bits |= std::uint64_t{reader_.read<std::uint8_t>()} << (8 * i);
    const unsigned unused = 64 - 8u * length;  // the top bit is the sign
    push(Kind::kInteger, length ? static_cast<std::int64_t>(bits << unused) >> unused : 0);
  }

  void push_text(std::uint32_t length) {
    pickle_.texts.push_back(as_text(reader_.take(length)));
    push(Kind::kText, static_cast<std::int64_t>(pickle_.texts.size() - 1));
  }

  void push_sequence(std::vector<Value> values) {
    pickle_.sequences.push_back(std::move(values));
    push(Kind::kSequence, static_cast<std::int64_t>(pickle_.sequences.size() - 1));
  }

  void push_dict(Pickle::Dict items) {
    pickle_.dicts.push_back(std::move(items));
    push(Kind::kDict, static_cast<std::int64_t>(pickle_.dicts.size() - 1));
  }

  void append(const std::vector<Value>& values) {
    if (top().kind != Kind::kSequence) fail("appends to something that is not a list");
    std::vector<Value>& list = pickle_.sequences[top().index()];
    list.insert(list.end(), values.begin(), values.end());
  }

  void set_items(const std::vector<Value>& values) {
    if (top().kind != Kind::kDict || values.size() % 2 != 0)
      fail("sets items of something that is not a dict");
    Pickle::Dict& dict = pickle_.dicts[top().index()];
    for (std::size_t i = 0; i < values.size(); i += 2) dict.emplace_back(values[i], values[i + 1]);
  }

  // Names and calls.

  std::string_view line() {
    const std::uint64_t start = reader_.position();
    while (reader_.read<std::uint8_t>() != '\n')
      if (reader_.position() - start > kLongestName) fail("has an unterminated name");
    const std::uint64_t length = reader_.position() - start - 1;
    reader_.seek(start);
    const std::string_view text = as_text(reader_.take(length));
    reader_.take(1);
    return text;
  }

  void global() {
    const std::string_view module = line();
    const std::string_view name = line();
    const auto callable = [&](Callable which) { push(Kind::kCallable, static_cast<std::int64_t>(which)); };
    if (module == "collections" && name == "OrderedDict") return callable(Callable::kOrderedDict);
    // The first form is from before PyTorch 0.4; torchvision's VGG-16 uses it.
    if (module == "torch._utils" && (name == "_rebuild_tensor" || name == "_rebuild_tensor_v2"))
      return callable(Callable::kRebuildTensor);
    if (module == "torch._utils" && name == "_rebuild_parameter")
      return callable(Callable::kRebuildParameter);
    if (module == "torch")
      if (const auto type = from_torch_storage_name(name))
        return push(Kind::kStorageType, static_cast<std::int64_t>(*type));
    fail("asks for " + in_quotes(std::string(module) + "." + std::string(name)) +
         ", which no weight file needs; nothing was executed");
  }

  void reduce() {
    const std::vector<Value> call = pop_some(2);
    if (call[0].kind != Kind::kCallable || call[1].kind != Kind::kSequence)
      fail("calls something that is not callable");
    // A copy, since a call may append to the sequences.
    const std::vector<Value> arguments = pickle_.sequences[call[1].index()];
    spend(arguments.size());
    switch (static_cast<Callable>(call[0].number)) {
      case Callable::kOrderedDict:
        return ordered_dict(arguments);
      case Callable::kRebuildTensor:
        return rebuild_tensor(arguments);
      case Callable::kRebuildParameter:
        if (arguments.empty() || arguments[0].kind != Kind::kTensor)
          fail("creates a parameter from something that is not a tensor");
        stack_.push_back(arguments[0]);
    }
  }

  // OrderedDict(), or OrderedDict([[key, value], ...]) as Python 2 wrote it.
  void ordered_dict(const std::vector<Value>& arguments) {
    Pickle::Dict items;
    if (!arguments.empty()) {
      if (arguments[0].kind != Kind::kSequence)
        fail("creates a dict from something that is not a list of pairs");
      const std::vector<Value>& pairs = pickle_.sequences[arguments[0].index()];
      spend(pairs.size());
      for (const Value& pair : pairs) {
        if (pair.kind != Kind::kSequence || pickle_.sequences[pair.index()].size() != 2)
          fail("creates a dict from something that is not a list of pairs");
        items.emplace_back(pickle_.sequences[pair.index()][0], pickle_.sequences[pair.index()][1]);
      }
    }
    push_dict(std::move(items));
  }

  // (storage, offset, shape, strides); the second form adds requires_grad and hooks, which are ignored.
  void rebuild_tensor(const std::vector<Value>& arguments) {
    if (arguments.size() < 4 || arguments[0].kind != Kind::kStorage || arguments[1].kind != Kind::kInteger ||
        arguments[1].number < 0)
      fail("has an invalid tensor description");
    StridedTensor tensor{arguments[0].index(), static_cast<std::uint64_t>(arguments[1].number),
                         extents(arguments[2]), extents(arguments[3])};
    if (tensor.shape.size() != tensor.strides.size()) fail("has an invalid tensor description");
    pickle_.tensors.push_back(std::move(tensor));
    push(Kind::kTensor, static_cast<std::int64_t>(pickle_.tensors.size() - 1));
  }

  std::vector<std::int64_t> extents(const Value& value) {
    if (value.kind != Kind::kSequence || pickle_.sequences[value.index()].size() > kMaxDimensions)
      fail("has an invalid tensor description");
    std::vector<std::int64_t> numbers;
    for (const Value& number : pickle_.sequences[value.index()]) {
      if (number.kind != Kind::kInteger || number.number < 0) fail("has an invalid tensor description");
      numbers.push_back(number.number);
    }
    spend(numbers.size());
    return numbers;
  }

  // The state of a dict (a state_dict's '_metadata') is not relevant to the weights.
  void build() {
    pop();
    if (top().kind != Kind::kDict) fail("gives a state to something that is not a dict");
  }

  // ('storage', class, key, device, count), and in the legacy format a view, which is None since PyTorch 0.4.
  void persistent_id() {
    const Value id = pop();
    if (id.kind != Kind::kSequence) fail("has an invalid storage description");
    const std::vector<Value>& parts = pickle_.sequences[id.index()];
    if (parts.size() < 5 || parts.size() > 6 || pickle_.text(parts[0]) != "storage" ||
        parts[1].kind != Kind::kStorageType || parts[2].kind != Kind::kText ||
        parts[4].kind != Kind::kInteger || parts[4].number < 0)
      fail("has an invalid storage description");
    if (parts.size() == 6 && parts[5].kind != Kind::kOpaque)
      fail("holds a storage that is part of another one; load and save the file with a newer PyTorch");

    const Storage storage{pickle_.texts[parts[2].index()], static_cast<ElementType>(parts[1].number),
                          static_cast<std::uint64_t>(parts[4].number)};
    const auto [found, is_new] = storage_index_.emplace(storage.key, pickle_.storages.size());
    if (is_new) {
      pickle_.storages.push_back(storage);
    } else {
      const Storage& known = pickle_.storages[found->second];
      if (known.type != storage.type || known.count != storage.count)
        fail("describes the storage " + in_quotes(storage.key) + " in two ways");
    }
    push(Kind::kStorage, static_cast<std::int64_t>(found->second));
  }

  ByteReader& reader_;
  Pickle pickle_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Value> memo_;
  std::unordered_map<std::string_view, std::size_t> storage_index_;
  std::uint64_t steps_ = 0;
};

}  // namespace

std::optional<std::string_view> Pickle::text(const Value& value) const {
  if (value.kind != Value::Kind::kText) return std::nullopt;
  return texts[value.index()];
}

const Value* Pickle::find(const Dict& dict, std::string_view key) const {
  for (auto item = dict.rbegin(); item != dict.rend(); ++item)
    if (text(item->first) == key) return &item->second;
  return nullptr;
}

Pickle read_pickle(ByteReader& reader) { return Interpreter(reader).run(); }

}  // namespace sapnet::weights
